/* url.h - where a request may go, and what of a URL may be shown
 *
 * A signed URL is a capability: whoever has it has the object. So it is used byte for byte as it
 * came, only towards hosts that are known, and it is never shown with its query.
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

/* Whether the host of `url` is localhost or a loopback address. */
bool url_is_loopback(const char *url);

/* Writes "scheme://host/path" of `url` to `text`, without user, query and fragment. */
void url_show(const char *url, char *text, size_t size);

/* The value of a hexadecimal digit, or -1. */
int url_hex(char c);

/* Copies `text` to `masked` (at most `size` bytes with the NUL), replacing the values of signed
 * URLs' parameters, what follows "Bearer ", and every occurrence of `token` (which may be NULL),
 * also where a server echoes them percent-encoded or inside XML or HTML; for JSON, mask what was
 * decoded. Control characters become spaces. Three times `text_size`, and 16, is always enough. */
void url_mask(const char *text, size_t text_size, const char *token, char *masked, size_t size);

#pragma GCC visibility pop

#endif
