/* transfer.c - see transfer.h
 *
 * libcurl's callbacks run on the session's thread and touch nothing but the transfer: they count,
 * sum and copy. To stop the exchange, a callback fills task.error and returns a value that makes
 * libcurl stop; libcurl's own error is then ignored. Sizes are counted here, since libcurl's own
 * limit does not apply to bodies of unknown length.
 */
#include "http/transfer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "file.h"
#include "http/address.h"
#include "http/content_range.h"
#include "http/url.h"
#include "memory.h"

/* measured on loopback: larger ones gain nothing, libcurl's own cost 1.5 to 3 times the CPU time */
static const long UPLOAD_BUFFER = 256L * 1024, RECEIVE_BUFFER = 512L * 1024;

/* {==================================================================
** What libcurl calls
** =================================================================== */

static size_t fail(struct transfer *transfer, enum error_code code, const char *what) {
  error_set(&transfer->task.error, code, "%s at %s: %s", transfer->doing, transfer->where, what);
  return 0;
}

/* A new status line begins a new answer: after an interim one ("100 Continue", "103 Early Hints"),
 * or when libcurl repeats a request by itself. */
static void begin_head(struct transfer *transfer) {
  transfer->answer_headers_size = 0;
  transfer->answer_headers[0] = '\0';
  transfer->body_size = 0;
  transfer->body[0] = '\0';
  transfer->body_started = transfer->head_ended = false;
  transfer->sent = transfer->bytes;
}

/* The blank line after the headers. An interim answer is not the answer. */
static void end_head(struct transfer *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  transfer->head_ended = status < 100 || status >= 200;
}

/* Keeps "name: value" with the name in lower case. */
static void keep_header(struct transfer *transfer, const char *line, size_t length) {
  char *kept = transfer->answer_headers + transfer->answer_headers_size;
  bool in_name = true;
  while (length > 0 && isspace((unsigned char)line[length - 1]))
    length--;
  if (length == 0) return;
  for (size_t i = 0; i < length; i++) {
    if (line[i] == ':') in_name = false;
    kept[i] = in_name ? (char)tolower((unsigned char)line[i]) : line[i];
    if (kept[i] == '\0') kept[i] = ' ';
  }
  kept[length] = kept[length + 1] = '\0';
  transfer->answer_headers_size += length + 1;
}

static size_t on_header(char *line, size_t unit, size_t size, void *context) {
  struct transfer *transfer = context;
  (void)unit;
  /* interim answers and trailers count as well; a line takes at most one byte more than it had, and
   * the block one more */
  transfer->headers_received += size + 1;
  if (transfer->headers_received >= TRANSFER_HEADERS_MAX)
    return fail(transfer, ERROR_PROTOCOL, "the answer has more than 64 KiB of headers");
  if (size == 0 || transfer->to_file) return size; /* after a file's bytes only trailers come */
  if (size > 5 && strncmp(line, "HTTP/", 5) == 0)
    begin_head(transfer);
  else if (transfer->head_ended || line[0] == ' ' || line[0] == '\t')
    return size; /* a trailer, or a folded line */
  else if (line[0] == '\r' || line[0] == '\n')
    end_head(transfer);
  else
    keep_header(transfer, line, size);
  return size;
}

static const char *find_header(const struct transfer *transfer, const char *name) {
  size_t length = strlen(name);
  for (const char *line = transfer->answer_headers; *line; line += strlen(line) + 1) {
    if (strncmp(line, name, length) != 0 || line[length] != ':') continue;
    line += length + 1;
    return line + strspn(line, " \t");
  }
  return NULL;
}

/* A part must begin at the requested offset; the whole begins at 0, and the bytes that are already
 * there are removed.
 */
static bool place_body(struct transfer *transfer) {
  const char *header = find_header(transfer, "content-range");
  struct content_range range;
  if (transfer->status == 206) {
    if (!header || !content_range_read(header, &range) || range.first != transfer->offset) {
      fail(transfer, ERROR_PROTOCOL, "storage sent another part than was requested");
      return false;
    }
  } else if (transfer->offset > 0) {
    transfer->offset = 0;
    if (ftruncate(transfer->descriptor, 0) != 0) {
      error_errno(&transfer->task.error, "emptying", transfer->path);
      return false;
    }
  }
  return true;
}

static void note_total(struct transfer *transfer) {
  curl_off_t length = -1;
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) task_set(&transfer->task, TRANSFER_TOTAL, transfer->offset + (uint64_t)length);
}

static bool start_body(struct transfer *transfer) {
  transfer->body_started = true;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
  transfer->to_file =
      transfer->kind == TRANSFER_DOWNLOAD && (transfer->status == 200 || transfer->status == 206);
  if (!transfer->to_file) return true;
  if (!place_body(transfer)) return false;
  note_total(transfer);
  task_set(&transfer->task, TRANSFER_BYTES, transfer->offset);
  atomic_store(&transfer->placed, true);
  return true;
}

static size_t write_to_file(struct transfer *transfer, const char *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    off_t at = (off_t)(transfer->offset + transfer->bytes + done);
    ssize_t written = pwrite(transfer->descriptor, bytes + done, size - done, at);
    if (written > 0) {
      done += (size_t)written;
    } else if (written == 0 || errno != EINTR) {
      if (written == 0) errno = ENOSPC;
      error_errno(&transfer->task.error, "writing", transfer->path);
      return 0;
    }
  }
  transfer->crc32c = checksum_crc32c(transfer->crc32c, bytes, size);
  transfer->bytes += size;
  task_set(&transfer->task, TRANSFER_BYTES, transfer->offset + transfer->bytes);
  return size;
}

static size_t keep_in_memory(struct transfer *transfer, const char *bytes, size_t size) {
  size_t needed = transfer->body_size + size + 1;
  if (needed > transfer->body_max) {
    char what[64];
    snprintf(what, sizeof what, "the answer is larger than %zu MiB", transfer->body_max >> 20);
    return fail(transfer, ERROR_PROTOCOL, what);
  }
  if (!memory_reserve(&transfer->body, &transfer->body_capacity, needed, 1))
    return fail(transfer, ERROR_MEMORY, "out of memory");
  memcpy(transfer->body + transfer->body_size, bytes, size);
  transfer->body_size += size;
  transfer->body[transfer->body_size] = '\0';
  if (transfer->kind == TRANSFER_REQUEST)
    task_set(&transfer->task, TRANSFER_BYTES, transfer->body_size);
  return size;
}

static size_t on_body(char *bytes, size_t unit, size_t size, void *context) {
  struct transfer *transfer = context;
  (void)unit;
  if (size == 0) return 0;
  if (!transfer->body_started && !start_body(transfer)) return 0;
  return transfer->to_file ? write_to_file(transfer, bytes, size)
                           : keep_in_memory(transfer, bytes, size);
}

static size_t on_read(char *buffer, size_t unit, size_t size, void *context) {
  struct transfer *transfer = context;
  uint64_t left = transfer->length - transfer->bytes;
  int64_t got;
  (void)unit;
  if (left < size) size = (size_t)left;
  if (size == 0) return 0;
  got = file_read(transfer->descriptor, buffer, size, transfer->offset + transfer->bytes,
                  transfer->path, &transfer->task.error);
  if (got == 0)
    error_at(&transfer->task.error, ERROR_DATA, transfer->path, 0, 0,
             "became shorter while it was being sent - do not change the file, and run it again");
  if (got <= 0) return CURL_READFUNC_ABORT;
  transfer->crc32c = checksum_crc32c(transfer->crc32c, buffer, (size_t)got);
  transfer->bytes += (uint64_t)got;
  task_set(&transfer->task, TRANSFER_BYTES, transfer->offset + transfer->bytes);
  return (size_t)got;
}

/* libcurl goes back to the start when a kept connection turns out to be dead. The checksum must
 * too.
 */
static int on_seek(void *context, curl_off_t offset, int origin) {
  struct transfer *transfer = context;
  char buffer[16384];
  if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->length)
    return CURL_SEEKFUNC_FAIL;
  transfer->bytes = 0;
  transfer->crc32c = 0;
  while (transfer->bytes < (uint64_t)offset) {
    uint64_t left = (uint64_t)offset - transfer->bytes;
    size_t size = left < sizeof buffer ? (size_t)left : sizeof buffer;
    if (on_read(buffer, 1, size, transfer) == CURL_READFUNC_ABORT) return CURL_SEEKFUNC_FAIL;
  }
  return CURL_SEEKFUNC_OK;
}

/* If a name of the allow-list resolves to a private address, somebody has tampered with it. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
  struct transfer *transfer = context;
  if (purpose == CURLSOCKTYPE_IPCXN && transfer->public_only &&
      !address_is_public(&address->addr)) {
    fail(transfer, ERROR_NETWORK, "its name resolves to a private address - check the name server");
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* }================================================================== */

/* {==================================================================
** Making
** =================================================================== */

static void transfer_destroy(struct task *task) {
  struct transfer *transfer = (struct transfer *)task;
  curl_easy_cleanup(transfer->easy);
  curl_slist_free_all(transfer->headers);
  if (transfer->session) transfer->release_session(transfer->session);
  if (transfer->descriptor >= 0) close(transfer->descriptor);
  if (transfer->token) explicit_bzero(transfer->token, strlen(transfer->token));
  free(transfer->token);
  free(transfer->doing);
  free(transfer->path);
  free(transfer->body);
  free(transfer->answer_headers);
  free(transfer);
}

static void transfer_wake(struct task *task) {
  struct transfer *transfer = (struct transfer *)task;
  if (transfer->session) transfer->wake_session(transfer->session);
}

static const struct task_kind KINDS[] = {
    {"request", {"received", "total"}, NULL, transfer_wake, transfer_destroy},
    {"upload", {"sent", "total"}, NULL, transfer_wake, transfer_destroy},
    {"download", {"received", "total"}, NULL, transfer_wake, transfer_destroy},
};

static bool add_header(struct transfer *transfer, const char *line) {
  struct curl_slist *more = curl_slist_append(transfer->headers, line);
  if (more) transfer->headers = more;
  return more != NULL;
}

static bool names_content_type(const char *const *headers) {
  for (; headers && *headers; headers++)
    if (strncasecmp(*headers, "content-type:", 13) == 0) return true;
  return false;
}

/* libcurl adds its own Content-Type to a request with a body, and "Expect: 100-continue" to a large
 * one; a signature may cover the first, and small requests do not need the second. */
static bool set_headers(struct transfer *transfer, const struct transfer_options *options) {
  for (const char *const *line = options->headers; line && *line; line++)
    if (!add_header(transfer, *line)) return false;
  if (!names_content_type(options->headers) && !add_header(transfer, "Content-Type:")) return false;
  if (options->kind != TRANSFER_UPLOAD && !add_header(transfer, "Expect:")) return false;
  return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool set_callbacks(struct transfer *transfer) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
}

static bool set_safety(struct transfer *transfer, const struct transfer_options *options) {
  CURL *easy = transfer->easy;
  const char *protocols = options->allow_http ? "http,https" : "https";
  bool small_call;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L); /* a proxy must not see the request */
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  transfer->direct = url_is_loopback(options->url);
  if (transfer->direct) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (options->fresh_connection) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  if (options->timeout > 0)
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(options->timeout * 1000));
  if (options->bearer_token) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    if (curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, options->bearer_token) != CURLE_OK)
      return false;
  }
  /* the API's small calls share one connection; bytes have a connection of their own, on which an
   * upload waits for "100 Continue", so that no bytes are sent if it is refused */
  small_call = options->kind == TRANSFER_REQUEST && options->bearer_token;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   (long)(small_call ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_URL, options->url) == CURLE_OK;
}

static bool set_request(struct transfer *transfer, const struct transfer_options *options) {
  CURL *easy = transfer->easy;
  const char *body = options->body ? options->body : "";
  if (strcmp(options->method, "GET") == 0)
    return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
  return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method) == CURLE_OK;
}

static bool set_upload(struct transfer *transfer, const struct transfer_options *options) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)options->length);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
  return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method) == CURLE_OK;
}

static bool set_up(struct transfer *transfer, const struct transfer_options *options) {
  if (!set_callbacks(transfer) || !set_safety(transfer, options) || !set_headers(transfer, options))
    return false;
  switch (options->kind) {
  case TRANSFER_REQUEST: return set_request(transfer, options);
  case TRANSFER_UPLOAD:
    task_set(&transfer->task, TRANSFER_TOTAL, options->offset + options->length);
    return set_upload(transfer, options);
  case TRANSFER_DOWNLOAD:
    curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    return curl_easy_setopt(transfer->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
  }
  return false;
}

static bool copy_options(struct transfer *transfer, const struct transfer_options *options,
                         struct error *error) {
  transfer->kind = options->kind;
  transfer->offset = options->offset;
  transfer->length = options->length;
  transfer->public_only = options->public_only;
  transfer->body_max = options->body_max ? options->body_max : TRANSFER_BODY_MAX;
  url_show(options->url, transfer->where, sizeof transfer->where);
  transfer->doing = strdup(options->doing);
  transfer->path = strdup(options->path ? options->path : "");
  transfer->token = options->bearer_token ? strdup(options->bearer_token) : NULL;
  transfer->answer_headers = calloc(1, TRANSFER_HEADERS_MAX);
  transfer->body = calloc(1, 1);
  transfer->easy = curl_easy_init();
  if (!transfer->doing || !transfer->path || !transfer->answer_headers || !transfer->body ||
      !transfer->easy || (options->bearer_token && !transfer->token)) {
    error_memory(error, "%s", options->doing);
    return false;
  }
  if (options->kind == TRANSFER_REQUEST) return true;
  transfer->descriptor = fcntl(options->descriptor, F_DUPFD_CLOEXEC, 0);
  if (transfer->descriptor < 0) error_errno(error, "opening once more", transfer->path);
  return transfer->descriptor >= 0;
}

struct transfer *transfer_new(const struct transfer_options *options, struct error *error) {
  struct transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) {
    error_memory(error, "%s", options->doing);
    return NULL;
  }
  transfer->descriptor = -1;
  if (!task_init(&transfer->task, &KINDS[options->kind], error)) {
    free(transfer);
    return NULL;
  }
  if (!copy_options(transfer, options, error)) {
    task_free(&transfer->task);
    return NULL;
  }
  if (!set_up(transfer, options)) {
    error_set(error, ERROR_MEMORY, "%s: libcurl could not be set up", options->doing);
    task_free(&transfer->task);
    return NULL;
  }
  return transfer;
}

/* }================================================================== */

/* {==================================================================
** The end
** =================================================================== */

/* A handshake that failed because of the network is worth a retry; any other is not. */
static enum error_code handshake_code(const char *reason) {
  static const char *const network[] = {"SYSCALL", "reset", "eof", "EOF", "Connection"};
  for (size_t i = 0; i < sizeof network / sizeof *network; i++)
    if (strstr(reason, network[i])) return ERROR_NETWORK;
  return ERROR_TLS;
}

static enum error_code code_of(CURLcode code, const char *reason) {
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT: return ERROR_TIMEOUT;
  case CURLE_SSL_CONNECT_ERROR: return handshake_code(reason);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_USE_SSL_FAILED: return ERROR_TLS;
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING:
  case CURLE_TOO_MANY_REDIRECTS:
  case CURLE_FILESIZE_EXCEEDED: return ERROR_PROTOCOL;
  case CURLE_OUT_OF_MEMORY: return ERROR_MEMORY;
  default: return ERROR_NETWORK;
  }
}

/* libcurl calls a header line beyond its own limit a lack of memory. */
static bool is_endless_header(const struct transfer *transfer, CURLcode code) {
  curl_off_t first_byte = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  return code == CURLE_OUT_OF_MEMORY && first_byte > 0 && !transfer->body_started;
}

static const char *hint_of(enum error_code code, CURLcode curl) {
  if (curl == CURLE_COULDNT_RESOLVE_HOST) return " - check the name and the network";
  if (curl == CURLE_SSL_CACERT_BADFILE) return " - check `ca_file`";
  if (code == ERROR_TLS) return " - check the clock and the certificates, or give `ca_file`";
  if (code == ERROR_NETWORK) return " - check the network and run it again";
  if (code == ERROR_TIMEOUT) return " - run it again";
  return "";
}

/* An answer counts only if all its headers arrived: a part of them may be misleading.
 */
static void read_status(struct transfer *transfer) {
  if (transfer->placed) return; /* start_body has read it */
  if (transfer->head_ended) {
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
  } else {
    begin_head(transfer);
    transfer->status = 0;
  }
}

void transfer_finish(struct transfer *transfer, CURLcode code) {
  struct error *error = &transfer->task.error;
  const char *reason = transfer->reason[0] ? transfer->reason : curl_easy_strerror(code);
  char masked[CURL_ERROR_SIZE + 1];
  enum error_code kind;
  read_status(transfer);
  if (error->code != ERROR_NONE) return; /* a callback has set it */
  if (task_cancelled(&transfer->task)) {
    error_set(error, ERROR_CANCELLED, "%s at %s was cancelled", transfer->doing, transfer->where);
    return;
  }
  if (is_endless_header(transfer, code)) {
    fail(transfer, ERROR_PROTOCOL, "the answer has a header line of more than 100 kB");
    return;
  }
  if (code == CURLE_OK && !transfer->head_ended) {
    /* libcurl 7.88.1 takes a connection that ends after the status line for the end of the answer
     */
    error_set(error, ERROR_NETWORK,
              "%s at %s: the connection ended before the headers of the answer were complete%s",
              transfer->doing, transfer->where, hint_of(ERROR_NETWORK, CURLE_OK));
    return;
  }
  if (code == CURLE_OK) {
    /* an empty body never reached start_body, but may have to truncate the file of an earlier
     * part */
    if (!transfer->body_started && transfer->kind == TRANSFER_DOWNLOAD) start_body(transfer);
    return;
  }
  kind = code_of(code, reason);
  url_mask(reason, strlen(reason), transfer->token, masked, sizeof masked);
  error_set(error, kind, "%s at %s: %s (libcurl %d)%s", transfer->doing, transfer->where, masked,
            (int)code, hint_of(kind, code));
  error->system = (int)code;
}

long transfer_status(const struct transfer *transfer) {
  return transfer->status;
}

const char *transfer_headers(const struct transfer *transfer) {
  return transfer->answer_headers;
}

const char *transfer_body(const struct transfer *transfer, size_t *size) {
  *size = transfer->body_size;
  return transfer->body;
}

uint64_t transfer_bytes(const struct transfer *transfer) {
  return transfer->bytes;
}

uint64_t transfer_sent(const struct transfer *transfer) {
  return transfer->sent;
}

uint64_t transfer_offset(const struct transfer *transfer) {
  return transfer->offset;
}

uint32_t transfer_crc32c(const struct transfer *transfer) {
  return transfer->crc32c;
}

bool transfer_is_framed(const struct transfer *transfer) {
  const char *coding = find_header(transfer, "transfer-encoding");
  curl_off_t length = -1;
  long version = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
  return length >= 0 || version >= CURL_HTTP_VERSION_2_0 ||
         (coding && strcasestr(coding, "chunked"));
}

bool transfer_placed(const struct transfer *transfer) {
  return atomic_load(&transfer->placed);
}

/* }================================================================== */
