/* session.h - one thread with one curl multi handle, which runs many transfers
 *
 * Connections are kept and shared by the transfers of a session. A session belongs to the process
 * that made it: after a fork the child makes its own. It is counted: the maker holds one reference
 * and each transfer another, so they may be freed in any order.
 */
#ifndef XCOMPLIANCE_HTTP_SESSION_H
#define XCOMPLIANCE_HTTP_SESSION_H

#include <stdbool.h>

#include "error.h"

#pragma GCC visibility push(hidden)

struct session;
struct transfer;

struct session_options {
  const char *ca_file; /* PEM certificates to trust; NULL: the system's */
  const char *proxy;   /* NULL: from the environment; "": none */
  const char *user_agent;
  double connect_timeout; /* seconds for name look-up, connection and handshake */
  long low_speed_limit;   /* bytes a second below which, */
  long low_speed_time;    /* for this many seconds, a transfer is cancelled */
};

/* Returns a session with one reference, or NULL with `error` filled. Everything is copied. */
struct session *session_new(const struct session_options *options, struct error *error);

/* Hands a transfer to the session's thread, which owns it until it has ended. */
bool session_start(struct session *session, struct transfer *transfer, struct error *error);

/* Ends all transfers ("cancelled") and the thread. Harmless when it is closed already. */
void session_close(struct session *session);

/* Releases a reference; the last one closes and frees. */
void session_release(struct session *session);

/* Returns the version of libcurl, and that of its TLS library. */
const char *session_library(const char **tls);

#pragma GCC visibility pop

#endif
