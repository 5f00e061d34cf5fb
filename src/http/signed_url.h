/* signed_url.h - what a V4 signed URL states about itself
 *
 * https://cloud.google.com/storage/docs/authentication/canonical-requests: the query of a signed
 * URL names the headers that its signature covers and the time for which it is valid.
 */
#ifndef XCOMPLIANCE_HTTP_SIGNED_URL_H
#define XCOMPLIANCE_HTTP_SIGNED_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { SIGNED_HEADERS_MAX = 16, SIGNED_HEADER_SIZE = 64 };

struct signed_url {
  char headers[SIGNED_HEADERS_MAX][SIGNED_HEADER_SIZE]; /* lower case, in the URL's order */
  int headers_count;
  int64_t signed_at;  /* seconds since 1970, on the signer's clock; 0 if the URL does not say */
  int64_t expires_at; /* likewise */
  bool resumable;     /* made to start a resumable upload */
};

/* Reads the query of `url`. What is missing or malformed in it is left empty. */
void signed_url_read(const char *url, struct signed_url *result);

#pragma GCC visibility pop

#endif
