/* signed_url.c - see signed_url.h
 *
 * Nothing here decides anything: storage judges its own URLs. The values serve to send the right
 * headers and to explain a refusal, so a URL without them is not an error.
 */
#include "http/signed_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/url.h"

/* Copies the percent-decoded value of the parameter `name` of the query. */
static bool parameter(const char *url, const char *name, char *value, size_t size) {
  const char *at = strchr(url, '?');
  size_t length = strlen(name), used = 0;
  while (at && strncasecmp(at + 1, name, length) != 0)
    at = strchr(at + 1, '&');
  if (!at || at[1 + length] != '=') return false;
  for (at += length + 2; *at && *at != '&' && *at != '#' && used + 1 < size; at++) {
    int high = at[0] == '%' ? url_hex(at[1]) : -1;
    int low = high >= 0 ? url_hex(at[2]) : -1;
    value[used++] = low >= 0 ? (char)(high * 16 + low) : *at;
    if (low >= 0) at += 2;
  }
  value[used] = '\0';
  return true;
}

static void read_headers(const char *list, struct signed_url *result) {
  while (*list && result->headers_count < SIGNED_HEADERS_MAX) {
    size_t length = strcspn(list, ";");
    if (length > 0 && length < SIGNED_HEADER_SIZE) {
      char *header = result->headers[result->headers_count++];
      for (size_t i = 0; i < length; i++)
        header[i] = (char)tolower((unsigned char)list[i]);
      header[length] = '\0';
      if (strcmp(header, "x-goog-resumable") == 0) result->resumable = true;
    }
    list += length + (list[length] == ';');
  }
}

static int64_t read_date(const char *text) {
  struct tm tm = {0};
  int end = 0;
  if (strlen(text) != 16 ||
      sscanf(text, "%4d%2d%2dT%2d%2d%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
             &tm.tm_min, &tm.tm_sec, &end) != 6 ||
      end != 16)
    return 0;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return timegm(&tm);
}

void signed_url_read(const char *url, struct signed_url *result) {
  char text[1024];
  memset(result, 0, sizeof *result);
  if (parameter(url, "X-Goog-SignedHeaders", text, sizeof text)) read_headers(text, result);
  if (!parameter(url, "X-Goog-Date", text, sizeof text)) return;
  result->signed_at = read_date(text);
  if (result->signed_at <= 0 || !parameter(url, "X-Goog-Expires", text, sizeof text)) return;
  if (strspn(text, "0123456789") == strlen(text) && strlen(text) > 0 && strlen(text) < 10)
    result->expires_at = result->signed_at + atol(text);
}
