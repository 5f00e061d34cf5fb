/* url_fuzz.c - any text as a URL: what is let through leads where it may, and nothing more is shown
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/signed_url.h"
#include "http/url.h"

static void expect(int holds) {
  if (!holds) abort();
}

/* A second opinion on an URL that was let through without any exception: its authority is Google's.
 */
static void expect_google(const char *url) {
  static const char storage[] = "storage.googleapis.com";
  const char *host = url + 8, *port;
  size_t size, end = sizeof storage - 1;
  expect(strncasecmp(url, "https://", 8) == 0);
  size = strcspn(host, "/?#\\");
  expect(!memchr(host, '@', size) && !memchr(host, '%', size));
  port = memchr(host, ':', size);
  if (port) { /* an empty one is the usual one */
    expect(port[1] == '\0' || strchr("/?#", port[1]) || atoi(port + 1) == 443);
    size = (size_t)(port - host);
  }
  expect(size >= end && strncasecmp(host + size - end, storage, end) == 0);
  expect(size == end || host[size - end - 1] == '.');
}

static void expect_shown_safely(const char *url) {
  char shown[256];
  url_show(url, shown, sizeof shown);
  expect(strlen(shown) < sizeof shown && !strpbrk(shown, "#\n\r\x1b"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const hosts[] = {"minio.example", "other.example:9000", NULL};
  struct signed_url read;
  struct error error;
  char *url = malloc(size + 1);
  if (!url) return 0;
  memcpy(url, data, size);
  url[size] = '\0';
  if (url_check_storage(url, NULL, false, &error)) expect_google(url);
  if (url_check_storage(url, NULL, true, &error) && !url_is_loopback(url)) expect_google(url);
  url_check_storage(url, hosts, false, &error);
  if (url_check_api(url, false, &error) && strncasecmp(url, "https://", 8) != 0)
    expect(strncasecmp(url, "http://", 7) == 0 && url_is_loopback(url));
  expect_shown_safely(url);
  signed_url_read(url, &read);
  expect(read.headers_count >= 0 && read.headers_count <= SIGNED_HEADERS_MAX);
  expect(read.expires_at == 0 || read.expires_at >= read.signed_at);
  free(url);
  return 0;
}
