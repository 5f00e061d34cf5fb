/* mask_fuzz.c - any text that begins with a token and a line end: the token is masked in the
 * rest */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/url.h"

static void expect(int holds) {
  if (!holds) abort();
}

/* Whether no part of the token may be left: it is long enough, plain, and not part of the names
 * that are kept. */
static int is_telling(const char *token) {
  static const char names[] =
      "x-goog-signature x-goog-credential x-goog-date x-goog-algorithm "
      "x-goog-expires x-goog-signedheaders upload_id googleaccessid bearer token ";
  char lower[64] = "";
  size_t size = strlen(token);
  if (size < 4 || size >= sizeof lower) return 0;
  for (size_t i = 0; i < size; i++) {
    if (!isalnum((unsigned char)token[i])) return 0;
    lower[i] = (char)tolower((unsigned char)token[i]);
  }
  return !strstr(names, lower);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
  size_t token_size = end ? (size_t)(end - text) : 0, rest = size - token_size;
  size_t enough = 3 * rest + 16, small = rest % 40 + 1;
  char *token = strndup(text, token_size), *masked = malloc(enough), *cut = malloc(small);
  if (token && masked && cut) {
    url_mask(text + token_size, rest, token, masked, enough);
    expect(strlen(masked) < enough);
    expect(!is_telling(token) || !strstr(masked, token));
    url_mask(text + token_size, rest, token, cut, small);
    expect(strlen(cut) < small && strncmp(cut, masked, strlen(cut)) == 0);
    url_mask(text, size, NULL, masked, enough);
  }
  free(token);
  free(masked);
  free(cut);
  return 0;
}
