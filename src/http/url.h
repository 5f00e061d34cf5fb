/* url.h - where a request may go, whether it gets the bearer token, and which parts of a URL may be
 * shown
 *
 * A job's URL is a capability: who knows it can use the object. So it is used byte for byte as
 * received, only for known hosts, and never shown with its query. It belongs either to the API, and
 * then the request needs the bearer token as well, or to storage, which must never see that token:
 * url_flow decides, for the whole program.
 */
#ifndef XCOMPLIANCE_HTTP_URL_H
#define XCOMPLIANCE_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#pragma GCC visibility push(hidden)

/* Checks the API's base URL: https, or http towards a loopback address, or http at all with
 * `allow_http`; no user, no query, no fragment. ERROR_USAGE otherwise. */
bool url_check_api(const char *url, bool allow_http, struct error *error);

/* Checks a storage URL: https on port 443 of storage.googleapis.com or a subdomain of it, or a host
 * ("name" or "name:port") among the NULL-ended `hosts` (which may be NULL); with `loopback` also
 * http or https to any port of a loopback address. No user, no fragment, no other numeric address.
 */
bool url_check_storage(const char *url, const char *const *hosts, bool loopback,
                       struct error *error);

/* The two flows of a job's bytes. */
enum url_flow { URL_REFUSED, URL_STORAGE, URL_API };

struct url_rules {
  const char *base_url;     /* the API's, which url_check_api has accepted */
  const char *operation;    /* "upload" or "download" */
  const char *job_id;       /* whose URL it must be; NULL: any job's */
  const char *const *hosts; /* as url_check_storage takes them */
  bool loopback;
};

/* Decides which flow a job's URL belongs to. URL_API: it has the API's scheme, host and port, its
 * path is exactly /2/compliance/jobs/ID/OPERATION, and its query has exactly one `token`, which is
 * not empty; X's two names, api.x.com and api.twitter.com, count as one. Such a URL, and no other,
 * gets the bearer token. URL_STORAGE: url_check_storage accepts it, and it is not a path of the
 * API. All others are URL_REFUSED, ERROR_PROTOCOL. */
enum url_flow url_flow(const char *url, const struct url_rules *rules, struct error *error);

/* Whether the host of `url` is localhost or a loopback address. */
bool url_is_loopback(const char *url);

/* Writes "scheme://host/path" of `url` to `text`, without user, query and fragment. */
void url_show(const char *url, char *text, size_t size);

/* The value of a hexadecimal digit, or -1. */
int url_hex(char c);

/* Copies `text` to `masked` (at most `size` bytes with the NUL), replacing the values of parameters
 * that make a job's URL valid, what follows "Bearer ", and every occurrence of `token` (which may
 * be NULL), also if a server echoes them percent-encoded or inside XML or HTML; for JSON, mask the
 * decoded text. Control characters become spaces. Three times `text_size`, and 16, is always
 * enough. */
void url_mask(const char *text, size_t text_size, const char *token, char *masked, size_t size);

#pragma GCC visibility pop

#endif
