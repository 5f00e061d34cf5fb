/* container.c - see container.h */
#include "dataset/bytes/container.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dataset/bytes/packing.h"

/* The fields of a tar header that distinguish it from other files. */
enum { TAR_HEADER = 512, TAR_CHECKSUM = 148, TAR_CHECKSUM_SIZE = 8 };

static bool ends_in(const char *name, size_t size, const char *ending) {
  size_t length = strlen(ending);
  return size > length && strncasecmp(name + size - length, ending, length) == 0;
}

enum container container_of_name(const char *name) {
  size_t size;
  const struct packing *packing = packing_of_name(name, &size);
  if (ends_in(name, size, ".tar")) return CONTAINER_TAR;
  if (!packing) return ends_in(name, size, ".zip") ? CONTAINER_ZIP : CONTAINER_NONE;
  for (int i = 0; i < 2 && packing->tar_suffix[i]; i++)
    if (ends_in(name, strlen(name), packing->tar_suffix[i])) return CONTAINER_TAR;
  return CONTAINER_NONE;
}

/* A header contains the sum of its bytes, in octal digits; the sum itself counts as blanks. */
static bool is_tar(const unsigned char *bytes, size_t size) {
  char text[TAR_CHECKSUM_SIZE + 1] = "";
  unsigned long stated, sum = TAR_CHECKSUM_SIZE * ' ';
  char *end;
  if (size < TAR_HEADER || bytes[0] == '\0') return false;
  memcpy(text, bytes + TAR_CHECKSUM, TAR_CHECKSUM_SIZE);
  stated = strtoul(text, &end, 8);
  if (end == text || (*end != ' ' && *end != '\0')) return false;
  for (size_t i = 0; i < TAR_HEADER; i++)
    if (i < TAR_CHECKSUM || i >= TAR_CHECKSUM + TAR_CHECKSUM_SIZE) sum += bytes[i];
  return stated == sum;
}

static bool is_empty_tar(const unsigned char *bytes, size_t size) {
  if (size < TAR_HEADER) return false;
  for (size_t i = 0; i < TAR_HEADER; i++)
    if (bytes[i] != 0) return false;
  return true;
}

enum container container_of_bytes(const void *bytes, size_t size, const char *name) {
  if (size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0))
    return CONTAINER_ZIP;
  if (is_tar(bytes, size)) return CONTAINER_TAR;
  return container_of_name(name) == CONTAINER_TAR && is_empty_tar(bytes, size) ? CONTAINER_TAR
                                                                               : CONTAINER_NONE;
}

const char *container_title(enum container container) {
  return container == CONTAINER_TAR ? "tar" : "zip";
}
