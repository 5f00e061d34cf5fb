/* url.c - see url.h
 *
 * libcurl's own parser splits URLs here, because libcurl also uses them: allow-lists fail if two
 * parsers differ on "https://good@evil". Unusual URLs are refused before they are parsed.
 */
#include "http/url.h"

#include <ctype.h>
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

/* libcurl would also accept "https:/host" and "https:///host", and many hosts that are not
 * valid. */
static bool is_plain_text(const char *url) {
  static const char in_host[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  size_t size = strlen(url), host_size;
  const char *host = url + strcspn(url, ":/?#");
  if (size > URL_MAX || strncmp(host, "://", 3) != 0) return false;
  host_size = strcspn(host + 3, "/?#");
  if (host_size == 0 || strspn(host + 3, in_host) != host_size) return false;
  for (size_t i = 0; i < size; i++)
    if (url[i] <= ' ' || url[i] > '~' || strchr("\\\"#<>^`{|}", url[i])) return false;
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
      curl_url_get(parts->handle, CURLUPART_HOST, &parts->host, 0) == 0) {
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

/* The start of the host: a "://" later in the URL does not end a scheme. */
static const char *after_scheme(const char *url) {
  const char *end = url + strcspn(url, ":/?#");
  if (*end == ':') end++;
  return strncmp(end, "//", 2) == 0 ? end + 2 : url;
}

void url_show(const char *url, char *text, size_t size) {
  const char *host = after_scheme(url);
  const char *at = memrchr(host, '@', strcspn(host, "/?#"));
  size_t scheme = (size_t)(host - url), length;
  if (at) host = at + 1;
  length = strcspn(host, "?#");
  if (scheme > 16) scheme = 16;
  if (length > 200) length = 200;
  snprintf(text, size, "%.*s%.*s", (int)scheme, url, (int)length, host);
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
                  "it is not a plain URL - give one like https://api.x.com", error);
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
  return "its host is not storage.googleapis.com - another host must be in the module's option "
         "`storage_hosts`";
}

bool url_check_storage(const char *url, const char *const *hosts, bool loopback,
                       struct error *error) {
  struct parts parts;
  const char *why;
  if (!parse(url, &parts))
    return refuse(ERROR_PROTOCOL, "storage URL", url, "it is not a plain URL", error);
  why = storage_objection(&parts, hosts, loopback);
  parts_free(&parts);
  return why ? refuse(ERROR_PROTOCOL, "storage URL", url, why, error) : true;
}

int url_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads one character, percent-decoded as often as it was encoded; returns the bytes read. */
static size_t read_character(const char *text, size_t size, char *c) {
  size_t length = 1;
  *c = text[0];
  while (*c == '%' && size - length >= 2) {
    int high = url_hex(text[length]), low = url_hex(text[length + 1]);
    if (high < 0 || low < 0) break;
    *c = (char)(high * 16 + low);
    length += 2;
  }
  return length;
}

static const char *port_of(const struct parts *parts) {
  if (parts->port) return parts->port;
  return strcmp(parts->scheme, "https") == 0 ? "443" : "80";
}

static bool is_x(const char *host) {
  return strcasecmp(host, "api.x.com") == 0 || strcasecmp(host, "api.twitter.com") == 0;
}

static bool is_same_origin(const struct parts *one, const struct parts *other) {
  return strcmp(one->scheme, other->scheme) == 0 && strcmp(port_of(one), port_of(other)) == 0 &&
         (strcasecmp(one->host, other->host) == 0 || (is_x(one->host) && is_x(other->host)));
}

static bool has_origin_of(const char *url, const char *base_url) {
  struct parts parts, base;
  bool same;
  if (!parse(url, &parts)) return false;
  same = parse(base_url, &base);
  if (same) {
    same = is_same_origin(&parts, &base);
    parts_free(&base);
  }
  parts_free(&parts);
  return same;
}

/* The start of the path, as it is written: nothing in it is decoded or removed. */
static const char *path_of(const char *url) {
  const char *host = after_scheme(url);
  return host + strcspn(host, "/?#");
}

/* Whether a parameter's name could be read as "token": servers may decode it, or ignore its
 * case. */
static bool is_named_token(const char *name, size_t size) {
  size_t used = 0;
  for (const char *expected = "token"; *expected; expected++) {
    char c;
    if (used == size) return false;
    used += read_character(name + used, size - used, &c);
    if (tolower((unsigned char)c) != *expected) return false;
  }
  return used == size;
}

/* Whether the query has exactly one token, which is not empty. */
static bool has_one_token(const char *query) {
  if (strchr(query, ';')) return false; /* which separates parameters for some servers */
  for (int tokens = 0;; query++) {
    size_t size = strcspn(query, "&");
    if (is_named_token(query, strcspn(query, "=&"))) {
      if (strncmp(query, "token=", 6) != 0 || size <= 6) return false;
      tokens++;
    }
    query += size;
    if (*query == '\0') return tokens == 1;
  }
}

static bool is_byte_path(const char *path, const struct url_rules *rules) {
  static const char jobs[] = "/2/compliance/jobs/";
  size_t id_size, size = strlen(rules->operation);
  if (strncmp(path, jobs, sizeof jobs - 1) != 0) return false;
  path += sizeof jobs - 1;
  id_size = strspn(path, "0123456789");
  if (id_size < 1 || id_size > 19) return false;
  if (rules->job_id &&
      (strlen(rules->job_id) != id_size || memcmp(path, rules->job_id, id_size) != 0))
    return false;
  path += id_size;
  if (*path != '/' || strncmp(path + 1, rules->operation, size) != 0) return false;
  path += 1 + size;
  return *path == '?' && has_one_token(path + 1);
}

enum url_flow url_flow(const char *url, const struct url_rules *rules, struct error *error) {
  const char *path = path_of(url);
  char why[80];
  if (has_origin_of(url, rules->base_url)) {
    if (is_byte_path(path, rules)) return URL_API;
    if (strncmp(path, "/2/", 3) == 0) {
      snprintf(why, sizeof why, "it is not the job's %s URL - read the job for its URLs",
               rules->operation);
      refuse(ERROR_PROTOCOL, "URL", url, why, error);
      return URL_REFUSED;
    }
  }
  return url_check_storage(url, rules->hosts, rules->loopback, error) ? URL_STORAGE : URL_REFUSED;
}

/* How many bytes at `text` are the token, however either is percent-encoded; 0: it is not there. */
static size_t token_at(const char *text, size_t size, const char *token, size_t left) {
  size_t used = 0;
  if (left > 0 && size >= left && memcmp(text, token, left) == 0) return left;
  while (left > 0) {
    char of_text, of_token;
    size_t step = read_character(token, left, &of_token);
    if (used == size) return 0;
    used += read_character(text + used, size - used, &of_text);
    if (of_text != of_token) return 0;
    token += step;
    left -= step;
  }
  return used;
}

/* The length of a secret's name at `text` with its "=" (also percent-encoded), or 0. */
static size_t secret_name(const char *text, size_t size) {
  static const char *const names[] = {"X-Goog-Signature",     "X-Goog-Credential",
                                      "X-Goog-Date",          "X-Goog-Algorithm",
                                      "X-Goog-Expires",       "Signature",
                                      "X-Goog-SignedHeaders", "upload_id",
                                      "GoogleAccessId",       "token"};
  if (!strchr("BbGgSsTtUuXx", text[0])) return 0; /* none of their first letters */
  if (size > 7 && strncasecmp(text, "Bearer ", 7) == 0) return 7;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]), sign;
    char c;
    if (size <= length || strncasecmp(text, names[i], length) != 0) continue;
    sign = read_character(text + length, size - length, &c);
    if (c == '=') return length + sign;
  }
  return 0;
}

/* The length up to a character that ends a parameter in a URL, a header, or the markup around
 * it. */
static size_t secret_value(const char *text, size_t size, const char *token, size_t token_size) {
  size_t length = token_at(text, size, token, token_size);
  while (length < size && text[length] > ' ' && text[length] != 0x7f &&
         !strchr("&\"'<>;,", text[length])) {
    char c;
    size_t step = read_character(text + length, size - length, &c);
    if (c == '&') break;
    length += step;
  }
  return length;
}

void url_mask(const char *text, size_t text_size, const char *token, char *masked, size_t size) {
  static const char stars[] = "***";
  size_t used = 0, token_size = token ? strlen(token) : 0;
  for (size_t i = 0; i < text_size && used + sizeof stars < size;) {
    size_t left = text_size - i, secret = token_at(text + i, left, token, token_size);
    size_t name = secret ? 0 : secret_name(text + i, left);
    if (name > 0) secret = name + secret_value(text + i + name, left - name, token, token_size);
    if (secret == 0) {
      masked[used++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
      i++;
      continue;
    }
    if (used + name + sizeof stars > size) break;
    memcpy(masked + used, text + i, name);
    memcpy(masked + used + name, stars, sizeof stars - 1);
    used += name + sizeof stars - 1;
    i += secret;
  }
  masked[used] = '\0';
}
