/* url.c - see url.h
 *
 * libcurl's own parser splits URLs here, because libcurl will also be the one to use them: two
 * parsers that differ on "https://good@evil" are how allow-lists fail. What is unusual is refused
 * before it is parsed at all.
 */
#include "http/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 16384 };

static const char STORAGE_HOST[] = "storage.googleapis.com";

struct parts {
  CURLU *handle;
  char *scheme, *host, *port;
};

static void parts_free(struct parts *parts) {
  curl_free(parts->scheme);
  curl_free(parts->host);
  curl_free(parts->port);
  curl_url_cleanup(parts->handle);
}

static bool is_plain_text(const char *url) {
  size_t size = strlen(url);
  if (size == 0 || size > URL_MAX) return false;
  for (size_t i = 0; i < size; i++)
    if (url[i] <= ' ' || url[i] > '~' || strchr("\\\"<>^`{|}", url[i])) return false;
  return true;
}

static bool has_part(CURLU *handle, CURLUPart part) {
  char *text = NULL;
  bool has = curl_url_get(handle, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return has;
}

/* On success the caller owns `parts`; on failure there is nothing to free. */
static bool parse(const char *url, struct parts *parts) {
  memset(parts, 0, sizeof *parts);
  if (!is_plain_text(url)) return false;
  parts->handle = curl_url();
  if (parts->handle && curl_url_set(parts->handle, CURLUPART_URL, url, CURLU_DISALLOW_USER) == 0 &&
      curl_url_get(parts->handle, CURLUPART_SCHEME, &parts->scheme, 0) == 0 &&
      curl_url_get(parts->handle, CURLUPART_HOST, &parts->host, 0) == 0 &&
      !has_part(parts->handle, CURLUPART_FRAGMENT)) {
    curl_url_get(parts->handle, CURLUPART_PORT, &parts->port, 0);
    return true;
  }
  parts_free(parts);
  return false;
}

static bool is_loopback(const char *host) {
  int last = 0;
  if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
  /* libcurl has made a dotted quad of every spelling of an IPv4 address */
  return sscanf(host, "127.%*3[0-9].%*3[0-9].%*3[0-9]%n", &last) == 0 && last > 0 &&
         host[last] == '\0';
}

static bool is_numeric(const char *host) {
  return host[0] == '[' || strspn(host, "0123456789.") == strlen(host);
}

bool url_is_loopback(const char *url) {
  struct parts parts;
  bool loopback;
  if (!parse(url, &parts)) return false;
  loopback = is_loopback(parts.host);
  parts_free(&parts);
  return loopback;
}

void url_show(const char *url, char *text, size_t size) {
  const char *scheme = strstr(url, "://");
  const char *host = scheme ? scheme + 3 : url;
  size_t length = strcspn(host, "?#");
  size_t before_path = strcspn(host, "/?#");
  const char *at = memchr(host, '@', before_path);
  if (at) {
    length -= (size_t)(at + 1 - host);
    host = at + 1;
  }
  if (length > 200) length = 200;
  snprintf(text, size, "%.*s%.*s", scheme ? (int)(scheme + 3 - url) : 0, url, (int)length, host);
  for (char *c = text; *c; c++)
    if (*c < ' ' || *c > '~') *c = '?';
}

static bool refuse(enum error_code code, const char *what, const char *url, const char *why,
                   struct error *error) {
  char shown[256];
  url_show(url, shown, sizeof shown);
  error_set(error, code, "the %s %s is refused: %s", what, shown, why);
  return false;
}

bool url_check_api(const char *url, bool allow_http, struct error *error) {
  struct parts parts;
  const char *why = NULL;
  if (!parse(url, &parts))
    return refuse(ERROR_USAGE, "base URL", url,
                  "it is no plain URL - give one like https://api.x.com", error);
  if (has_part(parts.handle, CURLUPART_QUERY))
    why = "it has a query - give one like https://api.x.com";
  else if (strcmp(parts.scheme, "https") != 0 &&
           !(strcmp(parts.scheme, "http") == 0 && (allow_http || is_loopback(parts.host))))
    why = "the token is sent by https alone - use an https URL";
  parts_free(&parts);
  return why ? refuse(ERROR_USAGE, "base URL", url, why, error) : true;
}

static bool is_listed(const struct parts *parts, const char *const *hosts) {
  char with_port[300];
  snprintf(with_port, sizeof with_port, "%s:%s", parts->host, parts->port ? parts->port : "443");
  for (; hosts && *hosts; hosts++) {
    if (strcasecmp(*hosts, with_port) == 0) return true;
    if (strcasecmp(*hosts, parts->host) == 0 && (!parts->port || strcmp(parts->port, "443") == 0))
      return true;
  }
  return false;
}

static bool is_google_storage(const struct parts *parts) {
  size_t size = strlen(parts->host), end = sizeof STORAGE_HOST - 1;
  if (parts->port && strcmp(parts->port, "443") != 0) return false;
  if (size < end || strcasecmp(parts->host + size - end, STORAGE_HOST) != 0) return false;
  return size == end || parts->host[size - end - 1] == '.';
}

static const char *storage_objection(const struct parts *parts, const char *const *hosts,
                                     bool loopback) {
  bool https = strcmp(parts->scheme, "https") == 0;
  if (loopback && is_loopback(parts->host))
    return https || strcmp(parts->scheme, "http") == 0 ? NULL : "it is neither http nor https";
  if (!https) return "it is not https";
  if (is_listed(parts, hosts) || is_google_storage(parts)) return NULL;
  if (is_numeric(parts->host)) return "its host is a numeric address";
  return "its host is not storage.googleapis.com - if your storage has another name, add it to "
         "storage_hosts";
}

bool url_check_storage(const char *url, const char *const *hosts, bool loopback,
                       struct error *error) {
  struct parts parts;
  const char *why;
  if (!parse(url, &parts))
    return refuse(ERROR_PROTOCOL, "storage URL", url, "it is no plain URL", error);
  why = storage_objection(&parts, hosts, loopback);
  parts_free(&parts);
  return why ? refuse(ERROR_PROTOCOL, "storage URL", url, why, error) : true;
}

/* The length of a secret's name at `text` with its "=" (also as %3D), or 0. */
static size_t secret_name(const char *text, size_t size) {
  static const char *const names[] = {
      "X-Goog-Signature",     "X-Goog-Credential", "X-Goog-Date",
      "X-Goog-Algorithm",     "X-Goog-Expires",    "Signature",
      "X-Goog-SignedHeaders", "upload_id",         "GoogleAccessId"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]);
    if (size <= length || strncasecmp(text, names[i], length) != 0) continue;
    if (text[length] == '=') return length + 1;
    if (size > length + 3 && strncasecmp(text + length, "%3D", 3) == 0) return length + 3;
  }
  if (size > 7 && strncasecmp(text, "Bearer ", 7) == 0) return 7;
  return 0;
}

static size_t secret_value(const char *text, size_t size) {
  size_t length = 0;
  while (length < size && text[length] > ' ' && text[length] != 0x7f &&
         !strchr("&\"'<>;,", text[length])) {
    if (size - length > 3 && strncmp(text + length, "%26", 3) == 0) break;
    length++;
  }
  return length;
}

void url_mask(const char *text, size_t text_size, const char *token, char *masked, size_t size) {
  size_t used = 0, token_size = token ? strlen(token) : 0;
  for (size_t i = 0; i < text_size && used + 5 < size;) {
    size_t left = text_size - i, name = secret_name(text + i, left);
    if (token_size > 0 && left >= token_size && memcmp(text + i, token, token_size) == 0) {
      memcpy(masked + used, "***", 3);
      used += 3;
      i += token_size;
    } else if (name > 0 && used + name + 5 < size) {
      memcpy(masked + used, text + i, name);
      memcpy(masked + used + name, "***", 3);
      used += name + 3;
      i += name + secret_value(text + i + name, left - name);
    } else if (name > 0) {
      break;
    } else {
      masked[used++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
      i++;
    }
  }
  masked[used] = '\0';
}
