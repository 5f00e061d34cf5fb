/* url_fuzz.c - any text as a URL: an accepted one leads only to allowed hosts, and nothing more is
 * shown
 */
#include <ctype.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/signed_url.h"
#include "http/url.h"

static void expect(int holds) {
  if (!holds) abort();
}

/* A second check of a URL that was accepted without exceptions: its authority is Google's.
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

/* A second check of what gets the bearer token: a regular expression on the whole URL, with scheme
 * and host in lower case. */
static int looks_like_upload(const char *url) {
  static regex_t pattern;
  static int compiled;
  char *copy;
  int found;
  if (strlen(url) < 8) return 0;
  copy = strdup(url);
  if (!compiled)
    expect(
        regcomp(&pattern,
                "^https://api[.](x|twitter)[.]com(:0*443|:)?/2/compliance/jobs/[0-9]{1,19}/upload"
                "[?]([!-~]*&)?token=[^&;#]",
                REG_EXTENDED | REG_NOSUB) == 0);
  compiled = 1;
  for (char *c = copy; c && *c && c - copy < 8 + (long)strcspn(url + 8, "/?#"); c++)
    *c = (char)tolower((unsigned char)*c);
  found = copy && regexec(&pattern, copy, 0, NULL, 0) == 0;
  free(copy);
  return found;
}

/* Counts the parameters called token, in the simplest way. */
static int count_tokens(const char *url) {
  int count = 0;
  for (const char *c = strchr(url, '?'); c; c = strpbrk(c + 1, "&;"))
    count += strncasecmp(c + 1, "token", 5) == 0 && (!c[6] || strchr("=&;", c[6]));
  return count;
}

static void expect_api(const char *url) {
  expect(looks_like_upload(url) && count_tokens(url) == 1);
  expect(!strpbrk(url, ";#\\ \t\r\n") && !memchr(url, '@', strcspn(url, "?")));
}

/* Whether nothing in the URL is unusual. */
static int is_usual(const char *url) {
  for (const char *c = url; *c; c++)
    if (*c <= ' ' || *c > '~' || strchr("%#\\\"<>^`{|};", *c)) return 0;
  return 1;
}

static void expect_shown_safely(const char *url) {
  char shown[256];
  url_show(url, shown, sizeof shown);
  expect(strlen(shown) < sizeof shown && !strpbrk(shown, "#\n\r\x1b"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const hosts[] = {"minio.example", "other.example:9000", NULL};
  const struct url_rules rules = {.base_url = "https://api.x.com", .operation = "upload"};
  struct signed_url read;
  struct error error;
  enum url_flow flow;
  char *url = malloc(size + 1);
  if (!url) return 0;
  memcpy(url, data, size);
  url[size] = '\0';
  if (url_check_storage(url, NULL, false, &error)) expect_google(url);
  if (url_check_storage(url, NULL, true, &error) && !url_is_loopback(url)) expect_google(url);
  url_check_storage(url, hosts, false, &error);
  flow = url_flow(url, &rules, &error);
  if (flow == URL_API) expect_api(url);
  if (flow == URL_STORAGE) expect_google(url);
  /* and without anything unusual, every such URL is one */
  if (looks_like_upload(url) && count_tokens(url) == 1 && is_usual(url)) expect(flow == URL_API);
  if (url_check_api(url, false, &error) && strncasecmp(url, "https://", 8) != 0)
    expect(strncasecmp(url, "http://", 7) == 0 && url_is_loopback(url));
  expect_shown_safely(url);
  signed_url_read(url, &read);
  expect(read.headers_count >= 0 && read.headers_count <= SIGNED_HEADERS_MAX);
  expect(read.expires_at == 0 || read.expires_at >= read.signed_at);
  free(url);
  return 0;
}
