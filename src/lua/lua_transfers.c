/* lua_transfers.c - the operations that move a job's bytes: upload, download, and the small
 * exchanges of a resumable session
 *
 * A job's URL belongs to the API or to storage; url_flow decides which. Only a request to the API
 * gets the bearer token.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "checksum.h"
#include "http/signed_url.h"
#include "http/transfer.h"
#include "http/url.h"
#include "lua/skin.h"

enum { HEADERS_MAX = 16, HOSTS_MAX = 32 };

/* What the three functions have in common; the lists live here as long as the call. */
struct exchange {
  struct transfer_options options;
  const char *headers[HEADERS_MAX + 1], *hosts[HOSTS_MAX + 1];
  bool loopback;
};

/* Reads the options; the transfer is then one to storage, whose URL is not checked yet. */
static void read_exchange(lua_State *L, const char *name, struct exchange *exchange) {
  struct transfer_options *options = &exchange->options;
  bool loopback = skin_optional_boolean(L, 2, name, "loopback", false);
  exchange->loopback = loopback;
  options->url = skin_string(L, 2, name, "url");
  skin_optional_list(L, 2, name, "headers", exchange->headers, HEADERS_MAX);
  options->headers = exchange->headers;
  for (const char *const *line = exchange->headers; *line; line++)
    if (strncasecmp(*line, "authorization", 13) == 0)
      skin_misuse(L, "%s: storage is never given an Authorization header", name);
  /* a name of the default list stands for public addresses; other hosts may be private */
  options->public_only =
      skin_optional_list(L, 2, name, "storage_hosts", exchange->hosts, HOSTS_MAX) == 0 && !loopback;
  options->allow_http = loopback && url_is_loopback(options->url);
}

/* Fills the rules of a job's URL. Raises if the base URL is not one. */
static struct url_rules read_rules(lua_State *L, const char *name, const char *operation) {
  struct url_rules rules = {.operation = operation};
  bool allow_http = skin_optional_boolean(L, 2, name, "allow_http", false);
  struct error error;
  rules.base_url = skin_string(L, 2, name, "base_url");
  rules.job_id = skin_optional_string(L, 2, name, "job_id", NULL);
  if (!url_check_api(rules.base_url, allow_http, &error))
    skin_misuse(L, "%s: %s", name, error.message);
  return rules;
}

/* Checks the URL of an upload or a download. Without a base URL it belongs to storage. */
static bool check_job_url(lua_State *L, const char *name, const char *operation,
                          struct exchange *exchange, struct error *error) {
  struct transfer_options *options = &exchange->options;
  const char *token = skin_optional_string(L, 2, name, "bearer_token", NULL);
  struct url_rules rules;
  enum url_flow flow;
  if (!token) return url_check_storage(options->url, exchange->hosts, exchange->loopback, error);
  skin_check_token(L, name, token);
  rules = read_rules(L, name, operation);
  rules.hosts = exchange->hosts;
  rules.loopback = exchange->loopback;
  flow = url_flow(options->url, &rules, error);
  if (flow == URL_API) {
    /* on a kept connection libcurl might send a list again by itself */
    options->fresh_connection = options->kind == TRANSFER_UPLOAD;
    options->bearer_token = token;
    options->public_only = false; /* the caller chose the host */
    options->allow_http = strncmp(rules.base_url, "http:", 5) == 0;
  }
  return flow != URL_REFUSED;
}

/* A URL that is refused would be refused the next time too. */
static int refuse(lua_State *L, const struct error *error) {
  skin_failure(L, error);
  skin_set_boolean(L, "retryable", 0);
  return 2;
}

/* What has been moved, and by which flow. */
static void push_moved(lua_State *L, const struct transfer *transfer, const char *field,
                       uint64_t bytes) {
  char text[CHECKSUM_TEXT];
  checksum_format(transfer_crc32c(transfer), text);
  skin_set_string(L, "crc32c", text);
  skin_set_whole(L, field, bytes);
  skin_set_whole(L, "offset", transfer_offset(transfer));
  skin_set_string(L, "flow", transfer->token ? "api" : "storage");
}

static int push_upload(lua_State *L, struct task *task) {
  const struct transfer *transfer = (struct transfer *)task;
  session_push_answer(L, task);
  push_moved(L, transfer, "sent", transfer_sent(transfer));
  return 1;
}

static int push_download(lua_State *L, struct task *task) {
  const struct transfer *transfer = (struct transfer *)task;
  session_push_answer(L, task);
  push_moved(L, transfer, "received", transfer_bytes(transfer));
  skin_set_boolean(L, "framed", transfer_is_framed(transfer));
  return 1;
}

static int push_download_so_far(lua_State *L, struct task *task) {
  const struct transfer *transfer = (struct transfer *)task;
  if (transfer_placed(transfer)) {
    session_push_answer(L, task);
    skin_set_whole(L, "held", task_counter(task, TRANSFER_BYTES));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static struct file_box *check_file(lua_State *L, const char *name) {
  struct file_box *file;
  lua_pushliteral(L, "file");
  lua_rawget(L, 2);
  if (!lua_isuserdata(L, -1)) skin_misuse(L, "%s: file must be a file of this module", name);
  file = file_box_check(L, -1, name);
  lua_pop(L, 1); /* the options table holds it */
  return file;
}

/* core.upload_ids(session, { url, file, method?, offset?, length?, headers?, storage_hosts?,
 * loopback?, base_url?, bearer_token?, allow_http?, job_id? })
 * -> task -> { status, headers, body, sent, offset, crc32c, flow } | nil, err
 * Sends `length` bytes of the file from `offset` (default: all). Progress: sent, total. The token
 * is sent if the URL is the upload URL of a job (of `job_id`) at the API of `base_url`; the flow is
 * then "api", else "storage". */
static int upload_ids(lua_State *L) {
  static const char *const known[] = {
      "allow_http", "base_url", "bearer_token", "file",          "headers", "job_id", "length",
      "loopback",   "method",   "offset",       "storage_hosts", "timeout", "url",    NULL};
  static const char *const methods[] = {"PUT", "POST", NULL};
  static const char name[] = "upload_ids";
  struct exchange exchange = {.options = {.kind = TRANSFER_UPLOAD}};
  struct transfer_options *options = &exchange.options;
  struct file_box *file;
  struct stat status;
  struct error error;
  uint64_t size;
  skin_check_options(L, 2, name, known);
  file = check_file(L, name);
  read_exchange(L, name, &exchange);
  if (!check_job_url(L, name, "upload", &exchange, &error)) return refuse(L, &error);
  if (fstat(file->descriptor, &status) != 0) {
    error_errno(&error, "examining", file->path);
    return skin_failure(L, &error);
  }
  size = (uint64_t)status.st_size;
  options->doing = "uploading the ids";
  options->method = methods[skin_optional_choice(L, 2, name, "method", 0, methods)];
  options->descriptor = file->descriptor;
  options->path = file->path;
  options->timeout = skin_optional_number(L, 2, name, "timeout", 0, 0, 1e7);
  options->offset = skin_optional_whole(L, 2, name, "offset", 0, size);
  options->length =
      skin_optional_whole(L, 2, name, "length", size - options->offset, size - options->offset);
  return session_run(L, 1, options, push_upload, NULL);
}

/* core.download_results(session, { url, file, offset?, headers?, storage_hosts?, loopback?,
 * base_url?, bearer_token?, allow_http?, job_id? }) -> task -> { status, headers, body, received,
 * offset, crc32c, framed, flow } | nil, err The body of a 200 or 206 goes into the file, from
 * `offset` on (a 200 empties it first, when its first byte arrives); any other body is `body`.
 * `framed`: the protocol marked the end of the body. err.placed: the file has become this answer's;
 * before that it is untouched. task:so_far() then returns { status, headers, held }: `held`: the
 * file holds at least this many bytes. Progress: received, total. The token is sent as in
 * core.upload_ids. */
static int download_results(lua_State *L) {
  static const char *const known[] = {"allow_http",    "base_url", "bearer_token", "file",
                                      "headers",       "job_id",   "loopback",     "offset",
                                      "storage_hosts", "timeout",  "url",          NULL};
  static const char name[] = "download_results";
  struct exchange exchange = {.options = {.kind = TRANSFER_DOWNLOAD}};
  struct transfer_options *options = &exchange.options;
  struct file_box *file;
  struct error error;
  skin_check_options(L, 2, name, known);
  file = check_file(L, name);
  read_exchange(L, name, &exchange);
  if (!check_job_url(L, name, "download", &exchange, &error)) return refuse(L, &error);
  options->doing = "downloading the results";
  options->method = "GET";
  options->descriptor = file->descriptor;
  options->path = file->path;
  options->timeout = skin_optional_number(L, 2, name, "timeout", 0, 0, 1e7);
  options->offset = skin_optional_whole(L, 2, name, "offset", 0, (uint64_t)1 << 53);
  return session_run(L, 1, options, push_download, push_download_so_far);
}

/* core.request(session, { method, url, headers?, storage_hosts?, loopback?, timeout? })
 * -> task -> { status, headers, body } | nil, err: an exchange with an empty body */
static int request(lua_State *L) {
  static const char *const known[] = {"headers", "loopback", "method", "storage_hosts",
                                      "timeout", "url",      NULL};
  static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", NULL};
  static const char name[] = "core.request";
  struct exchange exchange = {.options = {.kind = TRANSFER_REQUEST}};
  struct transfer_options *options = &exchange.options;
  struct error error;
  skin_check_options(L, 2, name, known);
  read_exchange(L, name, &exchange);
  if (!url_check_storage(options->url, exchange.hosts, exchange.loopback, &error))
    return refuse(L, &error);
  options->doing = "asking storage";
  options->method = methods[skin_optional_choice(L, 2, name, "method", 0, methods)];
  options->timeout = skin_optional_number(L, 2, name, "timeout", 30, 0.001, 1e7);
  return session_run(L, 1, options, session_push_answer, NULL);
}

/* core.job_url{ url, base_url, operation, job_id?, storage_hosts?, loopback?, allow_http? }
 * -> flow | nil, err: which flow a job's URL belongs to, "api" or "storage", before it is used; as
 * core.upload_ids (operation "upload") and core.download_results ("download") decide it */
static int job_url(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url",      "job_id", "loopback",
                                      "operation",  "storage_hosts", "url",    NULL};
  static const char *const operations[] = {"upload", "download", NULL};
  static const char name[] = "xcompliance.client"; /* whose settings the rules are */
  const char *hosts[HOSTS_MAX + 1], *url;
  struct url_rules rules;
  struct error error;
  enum url_flow flow;
  lua_settop(L, 1);
  lua_pushvalue(L, 1); /* the readers below take options at 2 */
  skin_check_options(L, 2, name, known);
  skin_string(L, 2, name, "operation");
  rules =
      read_rules(L, name, operations[skin_optional_choice(L, 2, name, "operation", 0, operations)]);
  url = skin_string(L, 2, name, "url");
  skin_optional_list(L, 2, name, "storage_hosts", hosts, HOSTS_MAX);
  rules.hosts = hosts;
  rules.loopback = skin_optional_boolean(L, 2, name, "loopback", false);
  flow = url_flow(url, &rules, &error);
  if (flow == URL_REFUSED) return refuse(L, &error);
  lua_pushstring(L, flow == URL_API ? "api" : "storage");
  return 1;
}

/* core.signed_url(url) -> { shown, signed_headers, signed_at?, expires_at?, resumable }: what a
 * signed URL states about itself; times are seconds since 1970 on the signer's clock */
static int signed_url(lua_State *L) {
  const char *url = luaL_checkstring(L, 1);
  struct signed_url read;
  char shown[256];
  signed_url_read(url, &read);
  url_show(url, shown, sizeof shown);
  lua_createtable(L, 0, 5);
  skin_set_string(L, "shown", shown);
  lua_createtable(L, read.headers_count, 0);
  for (int i = 0; i < read.headers_count; i++) {
    lua_pushstring(L, read.headers[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "signed_headers");
  skin_set_boolean(L, "resumable", read.resumable);
  if (read.signed_at > 0) compat_pushwhole(L, read.signed_at), lua_setfield(L, -2, "signed_at");
  if (read.expires_at > 0) compat_pushwhole(L, read.expires_at), lua_setfield(L, -2, "expires_at");
  return 1;
}

void transfers_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"download_results", download_results},
      {"job_url", job_url},
      {"request", request},
      {"signed_url", signed_url},
      {"upload_ids", upload_ids},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
