/* transfer.h - one HTTP exchange, as a task
 *
 * Three kinds differ in the source and the target of the bytes: a request has a small body in
 * memory, an upload sends a range of a file, a download writes to one. Except for a download's
 * bytes, the answer is small, and kept in memory up to a limit. Redirects are never followed, and
 * nothing is retried: Lua decides about that.
 *
 * Any thread may make a transfer; it runs on its session's thread, and belongs to its maker again
 * after it has ended: only then may the functions below that read the answer be called.
 */
#ifndef XCOMPLIANCE_HTTP_TRANSFER_H
#define XCOMPLIANCE_HTTP_TRANSFER_H

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "task.h"

#pragma GCC visibility push(hidden)

enum transfer_kind { TRANSFER_REQUEST, TRANSFER_UPLOAD, TRANSFER_DOWNLOAD };

/* The progress counters: bytes sent (uploads) or received (others), and how many there will be. */
enum { TRANSFER_BYTES, TRANSFER_TOTAL };

/* The default limit of an answer in memory. */
enum { TRANSFER_BODY_MAX = 1 << 20, TRANSFER_HEADERS_MAX = 1 << 16 };

struct transfer_options {
  enum transfer_kind kind;
  const char *doing;          /* "creating a compliance job", the beginning of an error */
  const char *method;         /* GET, POST, PUT, DELETE */
  const char *url;            /* used byte for byte */
  const char *const *headers; /* NULL-ended "Name: value" lines; may be NULL */
  const char *bearer_token;   /* for the API alone; NULL for storage */
  const char *body;           /* a request's, or NULL */
  size_t body_max;            /* of the answer, in bytes; 0: TRANSFER_BODY_MAX */
  int descriptor;             /* of the file of an upload or download; duplicated */
  const char *path;           /* its name, for messages */
  uint64_t offset, length;    /* the range to send; or the offset to write at */
  double timeout;             /* seconds for the whole exchange; 0: none */
  bool fresh_connection;      /* a new one, so that libcurl has no reason to resend */
  bool public_only;           /* connect to no private or loopback address */
  bool allow_http;            /* else https alone */
};

struct session;

struct transfer {
  struct task task; /* first */
  /* private to src/http */
  enum transfer_kind kind;
  CURL *easy;
  struct curl_slist *headers;
  struct session *session; /* which runs it, and what it can do; NULL: none yet */
  void (*wake_session)(struct session *session);
  void (*release_session)(struct session *session);
  struct transfer *next;
  char *doing, *path, *token;
  char where[256];
  int descriptor;
  uint64_t offset, length, bytes, sent;
  uint32_t crc32c;
  bool public_only, direct, head_ended, body_started, to_file;
  atomic_bool placed; /* the file has become this answer's: its first body byte arrived */
  long status;
  char *body, *answer_headers;
  size_t body_size, body_capacity, body_max, answer_headers_size, headers_received;
  char reason[CURL_ERROR_SIZE];
};

/* Returns NULL with `error` filled if memory or descriptors have run out. Everything in `options`
 * is copied. */
struct transfer *transfer_new(const struct transfer_options *options, struct error *error);

/* The answer. Without the blank line after its final headers there is none: the status is 0 and
 * there are no headers. Interim answers and trailers are dropped. Headers are lines "name: value",
 * names in lower case, each NUL-ended; the block ends with an empty one. The body is NUL-ended.
 * `offset` is the offset at which a download's bytes were written: 0 if the server sent the whole
 * although a part was requested. `sent` is how many bytes an upload had sent when the answer began:
 * an answer that comes before all of them is about fewer bytes. */
long transfer_status(const struct transfer *transfer);
const char *transfer_headers(const struct transfer *transfer);
const char *transfer_body(const struct transfer *transfer, size_t *size);
uint64_t transfer_bytes(const struct transfer *transfer);
uint64_t transfer_sent(const struct transfer *transfer);
uint64_t transfer_offset(const struct transfer *transfer);
uint32_t transfer_crc32c(const struct transfer *transfer);

/* Whether the protocol itself marks the end of the answer's body: by its length, by chunks, or by
 * HTTP/2. Otherwise it ends when the connection does, which may be anywhere. */
bool transfer_is_framed(const struct transfer *transfer);

/* Whether the first body byte of a download's answer arrived: until then the file is untouched.
 * From then on any thread may read the answer's status, headers and offset, and the file holds at
 * least TRANSFER_BYTES bytes. */
bool transfer_placed(const struct transfer *transfer);

/* For the session: deals with libcurl's result. Fills task.error if there was no answer. */
void transfer_finish(struct transfer *transfer, CURLcode code);

#pragma GCC visibility pop

#endif
