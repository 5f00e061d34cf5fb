/* lua_operations.c - the three calls of the compliance API as Lua functions, models as Lua tables
 *
 * Each function checks its arguments, starts one exchange and returns its task; the task's result
 * is the model as it came, or an error that says what the API answered. Nothing is tried again
 * here. An answer is decoded by cjson after it is complete, outside of any callback. Whatever of it
 * goes into an error is masked: servers echo what they were sent.
 *
 * The API: POST and GET /2/compliance/jobs, GET /2/compliance/jobs/{id}
 * (https://docs.x.com/x-api/compliance).
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/transfer.h"
#include "http/url.h"
#include "skin.h"

enum { NAME_POINTS_MAX = 64, FIELDS_MAX = 10, URL_SIZE = 2048, EXCERPT = 200 };

/* in the registry */
static const char DECODE[] = "xcompliance.json.decode";
static const char DECODE_POINT[] = "xcompliance.json.decimal_point"; /* as the decoder knows it */

static const char *const TYPES[] = {"tweets", "users", NULL};
static const char *const STATUSES[] = {"created", "in_progress", "failed", "complete", NULL};
static const char *const FIELDS[] = {
    "created_at", "download_expires_at", "download_url",      "id", "name", "resumable", "status",
    "type",       "upload_url",          "upload_expires_at", NULL,
};

/* {==================================================================
** Arguments
** =================================================================== */

static void check_token(lua_State *L, const char *name, const char *token) {
  if (!*token) skin_misuse(L, "%s: bearer_token is empty", name);
  for (; *token; token++)
    if (*token <= ' ' || *token > '~')
      skin_misuse(L, "%s: bearer_token must be printable ASCII without spaces", name);
}

/* The number of code points of valid UTF-8 (RFC 3629), or -1. */
static int count_points(const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  int points = 0;
  for (; *c; points++) {
    int more = *c < 0x80 ? 0 : *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : 1;
    uint32_t point = more ? *c & (0x3fu >> more) : *c;
    if ((*c >= 0x80 && *c < 0xc2) || *c > 0xf4) return -1;
    c++;
    for (int i = 0; i < more; i++, c++) {
      if ((*c & 0xc0) != 0x80) return -1;
      point = point << 6 | (*c & 0x3f);
    }
    if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (more == 3 && (point < 0x10000 || point > 0x10ffff)))
      return -1;
  }
  return points;
}

static bool is_job_id(const char *id) {
  size_t size = strlen(id);
  return size >= 1 && size <= 19 && strspn(id, "0123456789") == size;
}

/* Appends "compliance_job.fields=a,b" to the query. */
static void add_fields(lua_State *L, const char *name, char *url) {
  const char *fields[FIELDS_MAX + 1];
  int count = skin_optional_list(L, 2, name, "fields", fields, FIELDS_MAX);
  for (int i = 0; i < count; i++) {
    int known = 0;
    while (FIELDS[known] && strcmp(FIELDS[known], fields[i]) != 0)
      known++;
    if (!FIELDS[known]) skin_misuse(L, "%s: there is no field '%.64s'", name, fields[i]);
    for (int j = 0; j < i; j++)
      if (strcmp(fields[i], fields[j]) == 0)
        skin_misuse(L, "%s: the field '%s' is given twice", name, fields[i]);
    if (i == 0)
      strcat(url, strchr(url, '?') ? "&compliance_job.fields=" : "?compliance_job.fields=");
    if (i > 0) strcat(url, ",");
    strcat(url, fields[i]);
  }
}

/* Fills what all three calls share, and begins `url` (of URL_SIZE bytes) with the place of the
 * jobs. */
static void read_common(lua_State *L, const char *name, struct transfer_options *options,
                        char *url) {
  bool allow_http = skin_optional_boolean(L, 2, name, "allow_http", false);
  const char *base = skin_string(L, 2, name, "base_url");
  size_t size = strlen(base);
  struct error error;
  options->bearer_token = skin_string(L, 2, name, "bearer_token");
  options->timeout = skin_optional_number(L, 2, name, "timeout", 30, 0.001, 1e7);
  check_token(L, name, options->bearer_token);
  if (size > URL_SIZE / 2) skin_misuse(L, "%s: base_url is too long", name);
  if (!url_check_api(base, allow_http, &error)) skin_misuse(L, "%s: %s", name, error.message);
  while (size > 0 && base[size - 1] == '/')
    size--;
  snprintf(url, URL_SIZE, "%.*s/2/compliance/jobs", (int)size, base);
  options->allow_http = strncmp(base, "http:", 5) == 0;
  options->url = url;
}

/* }================================================================== */

/* {==================================================================
** Answers
** =================================================================== */

static bool is_json_null(lua_State *L, int index) {
  return lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL;
}

static bool is_whole(double number) {
  return number == floor(number) && fabs(number) <= 9007199254740992.0;
}

/* A null is an absent member, and a whole number is whole: cjson makes all numbers floats. The
 * table's depth is bounded by the decoder's. */
static void tidy(lua_State *L, int index) {
  luaL_checkstack(L, 8, "a deep answer");
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int value = lua_gettop(L);
    if (lua_istable(L, value)) {
      tidy(L, value);
    } else if (is_json_null(L, value)) {
      lua_pushvalue(L, value - 1);
      lua_pushnil(L);
      lua_rawset(L, index);
    } else if (lua_type(L, value) == LUA_TNUMBER && is_whole(lua_tonumber(L, value))) {
      lua_pushvalue(L, value - 1);
      compat_pushwhole(L, lua_tonumber(L, value));
      lua_rawset(L, index);
    }
    lua_settop(L, value - 1);
  }
}

/* A decoder of our own: a setting of the host's cjson must not change what we read, nor ours the
 * host's. cjson.safe returns nil and a message where cjson would raise. */
static void open_decoder(lua_State *L) {
  int top = lua_gettop(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson.safe");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "decode_max_depth");
  lua_pushinteger(L, 100);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode_invalid_numbers");
  lua_pushboolean(L, 0);
  lua_call(L, 1, 0);
  lua_pushstring(L, DECODE);
  lua_getfield(L, -2, "decode");
  lua_rawset(L, LUA_REGISTRYINDEX);
  lua_pushstring(L, DECODE_POINT);
  lua_pushstring(L, localeconv()->decimal_point);
  lua_rawset(L, LUA_REGISTRYINDEX);
  lua_settop(L, top);
}

/* cjson looks at the locale when it makes a decoder; the host may choose another later. */
static void push_decoder(lua_State *L) {
  lua_pushstring(L, DECODE_POINT);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (strcmp(lua_tostring(L, -1), localeconv()->decimal_point) != 0) open_decoder(L);
  lua_pop(L, 1);
  lua_pushstring(L, DECODE);
  lua_rawget(L, LUA_REGISTRYINDEX);
}

/* Pushes the decoded object or array, or nil and why not. */
static bool decode(lua_State *L, const char *text, size_t size, char *why, size_t why_size) {
  int top = lua_gettop(L);
  push_decoder(L);
  lua_pushlstring(L, text, size);
  lua_call(L, 1, 2);
  if (lua_istable(L, top + 1)) {
    lua_settop(L, top + 1);
    tidy(L, top + 1);
    return true;
  }
  snprintf(why, why_size, "%s",
           lua_isstring(L, top + 2) ? lua_tostring(L, top + 2) : "it is no JSON object");
  lua_settop(L, top);
  lua_pushnil(L);
  return false;
}

/* The string member `name` of the table at `index`, or NULL; it lives as long as the table. */
static const char *member(lua_State *L, int index, const char *name) {
  const char *text = NULL;
  lua_getfield(L, index, name);
  if (lua_type(L, -1) == LUA_TSTRING) text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static const char *kind_of_status(long status) {
  switch (status) {
  case 400: return "usage";
  case 401: return "auth";
  case 403: return "forbidden";
  case 404: return "not_found";
  case 408: return "timeout";
  case 409: return "conflict";
  case 429: return "rate_limited";
  default: return status >= 500 ? "server" : "protocol";
  }
}

static const char *kind_of_problem(const char *type) {
  static const char *const kinds[][2] = {
      {"conflict", "conflict"},
      {"client-forbidden", "forbidden"},
      {"unsupported-authentication", "forbidden"},
      {"usage-capped", "rate_limited"},
      {"resource-not-found", "not_found"},
      {"invalid-request", "usage"},
      {"not-authorized-for-resource", "forbidden"},
      {"not-authorized-for-field", "forbidden"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(type, kinds[i][0]) == 0) return kinds[i][1];
  return NULL;
}

static const char *hint_of(const char *kind, const char *type) {
  if (strcmp(type, "unsupported-authentication") == 0)
    return "use the app's own bearer token (OAuth 2.0 App-Only)";
  if (strcmp(type, "client-forbidden") == 0)
    return "attach the app to a project with access to the compliance API";
  if (strcmp(type, "usage-capped") == 0) return "the plan's cap is spent; it opens with the period";
  if (strcmp(kind, "auth") == 0) return "check the bearer token";
  if (strcmp(kind, "forbidden") == 0) return "check what the app may do";
  if (strcmp(kind, "conflict") == 0) return "wait for the running job of this type to end";
  if (strcmp(kind, "rate_limited") == 0) return "wait until the limit is reset";
  if (strcmp(kind, "not_found") == 0) return "check the job's id";
  if (strcmp(kind, "server") == 0) return "try again later";
  return NULL;
}

/* The last segment of a problem's type: the host of these URLs has changed once already. */
static const char *last_segment(const char *type) {
  const char *slash = type ? strrchr(type, '/') : NULL;
  if (!type || strcmp(type, "about:blank") == 0) return "";
  return slash ? slash + 1 : type;
}

/* What the API says of the matter: the problem at `index`, or its first error. */
static void read_problem(lua_State *L, int index, const char **type, char *detail, size_t size) {
  const char *text;
  int problem = index, top = lua_gettop(L);
  lua_getfield(L, index, "errors");
  if (lua_istable(L, -1)) {
    lua_rawgeti(L, -1, 1);
    if (lua_istable(L, -1) && !member(L, index, "detail")) problem = lua_gettop(L);
  }
  *type = last_segment(member(L, problem, "type"));
  if (!**type) *type = last_segment(member(L, index, "type"));
  text = member(L, problem, "detail");
  if (!text) text = member(L, problem, "message");
  if (!text) text = member(L, problem, "title");
  snprintf(detail, size, "%.500s", text ? text : "");
  lua_settop(L, top);
}

static bool worth_a_retry(const char *kind, const char *type, long status) {
  return status == 408 || status == 429 ? strcmp(type, "usage-capped") != 0
                                        : strcmp(kind, "server") == 0;
}

/* Pushes nil and the error for an answer that is none. `problem` is the index of the decoded body,
 * or 0; `detail` is what is to be said where the problem itself says nothing. */
static int push_refusal(lua_State *L, const struct transfer *transfer, int problem,
                        const char *detail) {
  long status = transfer_status(transfer);
  char said[600] = "", message[1500];
  const char *type = "", *kind = NULL, *hint;
  if (problem) read_problem(L, problem, &type, said, sizeof said);
  kind = kind_of_problem(type);
  if (!kind) kind = kind_of_status(status);
  hint = hint_of(kind, type);
  snprintf(message, sizeof message, "%s at %s: the API answered %ld%s%s%s%s%s%s%s", transfer->doing,
           transfer->where, status, *type ? " (" : "", type, *type ? ")" : "",
           *said || *detail ? ": " : "", *said ? said : detail, hint ? " - " : "",
           hint ? hint : "");
  lua_pushnil(L);
  lua_createtable(L, 0, 9);
  set_text(L, "kind", kind);
  set_text(L, "message", message);
  if (hint) set_text(L, "hint", hint);
  if (*type) set_text(L, "problem_type", type);
  compat_pushwhole(L, status);
  lua_setfield(L, -2, "status");
  lua_pushboolean(L, worth_a_retry(kind, type, status));
  lua_setfield(L, -2, "retryable");
  session_push_headers(L, transfer, true);
  lua_setfield(L, -2, "headers");
  if (problem) {
    lua_pushvalue(L, problem);
    lua_setfield(L, -2, "problem");
  }
  luaL_setmetatable(L, "xcompliance.error");
  return 2;
}

/* Pushes a copy of the value at `index` in which no string holds a secret. Strings are masked after
 * they were decoded: JSON has many ways to write one. */
static void push_masked(lua_State *L, int index, const char *token) {
  int copy, value;
  size_t size;
  luaL_checkstack(L, 8, "a deep answer");
  if (lua_type(L, index) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, index, &size);
    session_push_masked(L, text, size, token);
    return;
  }
  if (!lua_istable(L, index)) {
    lua_pushvalue(L, index);
    return;
  }
  lua_newtable(L);
  copy = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    value = lua_gettop(L);
    push_masked(L, value - 1, token);
    push_masked(L, value, token);
    lua_rawset(L, copy);
    lua_settop(L, value - 1);
  }
}

/* An answer that says no. */
static int push_error_answer(lua_State *L, const struct transfer *transfer) {
  size_t size;
  const char *body = transfer_body(transfer, &size);
  char excerpt[EXCERPT + 1], why[128];
  if (decode(L, body, size, why, sizeof why)) {
    push_masked(L, lua_gettop(L), transfer->token);
    return push_refusal(L, transfer, lua_gettop(L), "");
  }
  url_mask(body, size, transfer->token, excerpt, sizeof excerpt);
  return push_refusal(L, transfer, 0, excerpt);
}

/* An answer that says yes but cannot be used. */
static int push_unusable(lua_State *L, const struct transfer *transfer, const char *why) {
  struct error error;
  error_set(&error, ERROR_PROTOCOL, "%s at %s: the API's answer cannot be used: %s",
            transfer->doing, transfer->where, why);
  skin_failure(L, &error);
  compat_pushwhole(L, transfer_status(transfer));
  lua_setfield(L, -2, "status");
  session_push_headers(L, transfer, true);
  lua_setfield(L, -2, "headers");
  return 2;
}

/* Checks the members of the job at `index`; NULL where they are right, else what is wrong. An id
 * that is a number may have been rounded already, so it is refused, not made a string. */
static const char *check_job(lua_State *L, int index, const char *const *required, char *why,
                             size_t size) {
  const char *id;
  if (!lua_istable(L, index)) return "a job in it is no object";
  for (; *required; required++) {
    if (member(L, index, *required)) continue;
    snprintf(why, size, "data.%s is missing or no string", *required);
    return why;
  }
  for (int i = 0; FIELDS[i]; i++) {
    bool wrong;
    lua_getfield(L, index, FIELDS[i]);
    wrong =
        !lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING && strcmp(FIELDS[i], "resumable") != 0;
    lua_pop(L, 1);
    snprintf(why, size, "data.%s is no string", FIELDS[i]);
    if (wrong) return why;
  }
  id = member(L, index, "id");
  return id && !is_job_id(id) ? "data.id is not 1 to 19 digits" : NULL;
}

static const char *check_jobs(lua_State *L, int response, char *why, size_t size) {
  static const char *const required[] = {"id", NULL};
  const char *wrong = NULL;
  lua_getfield(L, response, "data");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1)) wrong = "data is no array";
  for (int i = 1; !wrong && lua_istable(L, -1); i++) {
    lua_rawgeti(L, -1, i);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      break;
    }
    wrong = check_job(L, lua_gettop(L), required, why, size);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return wrong;
}

/* Pushes the response and { status, headers }. */
static int push_response(lua_State *L, const struct transfer *transfer) {
  lua_createtable(L, 0, 2);
  compat_pushwhole(L, transfer_status(transfer));
  lua_setfield(L, -2, "status");
  session_push_headers(L, transfer, true);
  lua_setfield(L, -2, "headers");
  return 2;
}

/* Pushes the decoded answer and returns true, or pushes nil, err. */
static bool push_decoded(lua_State *L, const struct transfer *transfer) {
  char why[160], parse[200];
  size_t size;
  const char *body = transfer_body(transfer, &size);
  if (transfer_status(transfer) != 200 && transfer_status(transfer) != 201) {
    push_error_answer(L, transfer);
    return false;
  }
  if (decode(L, body, size, why, sizeof why)) return true;
  snprintf(parse, sizeof parse, "it does not parse (%zu bytes): %s", size, why);
  push_unusable(L, transfer, parse);
  return false;
}

static int push_job(lua_State *L, struct task *task, const char *const *required) {
  struct transfer *transfer = (struct transfer *)task;
  char why[160];
  const char *wrong;
  int response;
  if (!push_decoded(L, transfer)) return 2;
  response = lua_gettop(L);
  lua_getfield(L, response, "data");
  if (lua_isnil(L, -1)) {
    lua_getfield(L, response, "errors");
    if (lua_istable(L, -1)) return push_error_answer(L, transfer);
    return push_unusable(L, transfer, "it has no data");
  }
  wrong = check_job(L, lua_gettop(L), required, why, sizeof why);
  if (wrong) return push_unusable(L, transfer, wrong);
  lua_settop(L, response);
  return push_response(L, transfer);
}

static int push_created(lua_State *L, struct task *task) {
  static const char *const required[] = {"id", "upload_url", "download_url", NULL};
  return push_job(L, task, required);
}

static int push_status(lua_State *L, struct task *task) {
  static const char *const required[] = {"id", "status", NULL};
  return push_job(L, task, required);
}

/* The caller has chosen the fields, so what is missing is what was not asked for. */
static int push_chosen(lua_State *L, struct task *task) {
  static const char *const required[] = {NULL};
  return push_job(L, task, required);
}

static int push_list(lua_State *L, struct task *task) {
  struct transfer *transfer = (struct transfer *)task;
  char why[160];
  const char *wrong;
  int response;
  if (!push_decoded(L, transfer)) return 2;
  response = lua_gettop(L);
  wrong = check_jobs(L, response, why, sizeof why);
  if (wrong) return push_unusable(L, transfer, wrong);
  return push_response(L, transfer);
}

/* }================================================================== */

/* {==================================================================
** Operations
** =================================================================== */

static const char *const JSON_HEADERS[] = {"Content-Type: application/json",
                                           "Accept: application/json", NULL};
static const char *const ACCEPT[] = {"Accept: application/json", NULL};

static bool has_fields(lua_State *L) {
  bool has;
  lua_pushliteral(L, "fields");
  lua_rawget(L, 2);
  has = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return has;
}

/* Writes `text` as the inside of a JSON string (RFC 8259, section 7); `escaped` holds six times its
 * bytes and a NUL. */
static void escape(const char *text, char *escaped) {
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < ' ')
      escaped += sprintf(escaped, "\\u%04x", c);
    else if (c == '"' || c == '\\')
      escaped += sprintf(escaped, "\\%c", c);
    else
      *escaped++ = (char)c;
  }
  *escaped = '\0';
}

/* core.create_compliance_job(session, { base_url, bearer_token, type, name?, resumable?, fields?,
 * timeout?, allow_http? }) -> task -> CreateComplianceJobResponse, { status, headers } | nil, err
 * It is sent at most once, on a new connection: the API would make a second job of a second one. */
static int create_compliance_job(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields", "name",
                                      "resumable",  "timeout",  "type",         NULL};
  static const char name[] = "core.create_compliance_job";
  struct transfer_options options = {.kind = TRANSFER_REQUEST, .method = "POST"};
  char url[URL_SIZE], escaped[NAME_POINTS_MAX * 6 + 1], body[NAME_POINTS_MAX * 6 + 128] = "{";
  const char *job_name;
  int type;
  skin_check_options(L, 2, name, known);
  read_common(L, name, &options, url);
  skin_string(L, 2, name, "type");
  type = skin_optional_choice(L, 2, name, "type", 0, TYPES);
  job_name = skin_optional_string(L, 2, name, "name", NULL);
  sprintf(body, "{\"type\":\"%s\"", TYPES[type]);
  if (job_name) {
    int points = count_points(job_name);
    if (points < 0 || points > NAME_POINTS_MAX)
      skin_misuse(L, "%s: name must be valid UTF-8 of at most 64 characters", name);
    escape(job_name, escaped);
    sprintf(body + strlen(body), ",\"name\":\"%s\"", escaped);
  }
  if (skin_optional_boolean(L, 2, name, "resumable", false)) strcat(body, ",\"resumable\":true");
  strcat(body, "}");
  add_fields(L, name, url);
  options.doing = "creating a compliance job";
  options.headers = JSON_HEADERS;
  options.body = body;
  options.fresh_connection = true;
  return session_run(L, 1, &options, has_fields(L) ? push_chosen : push_created);
}

/* core.list_job(session, { base_url, bearer_token, id, fields?, timeout?, allow_http? })
 * -> task -> Get2ComplianceJobsIdResponse, { status, headers } | nil, err */
static int list_job(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields", "id",
                                      "timeout",    NULL};
  static const char name[] = "core.list_job";
  struct transfer_options options = {.kind = TRANSFER_REQUEST, .method = "GET"};
  char url[URL_SIZE];
  const char *id;
  skin_check_options(L, 2, name, known);
  read_common(L, name, &options, url);
  id = skin_string(L, 2, name, "id");
  if (!is_job_id(id)) skin_misuse(L, "%s: a job's id is a string of 1 to 19 digits", name);
  strcat(strcat(url, "/"), id);
  add_fields(L, name, url);
  options.doing = "reading a compliance job";
  options.headers = ACCEPT;
  return session_run(L, 1, &options, has_fields(L) ? push_chosen : push_status);
}

/* core.list_jobs(session, { base_url, bearer_token, type, status?, fields?, timeout?, allow_http?
 * })
 * -> task -> Get2ComplianceJobsResponse, { status, headers } | nil, err */
static int list_jobs(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields",
                                      "status",     "timeout",  "type",         NULL};
  static const char name[] = "core.list_jobs";
  struct transfer_options options = {.kind = TRANSFER_REQUEST, .method = "GET"};
  char url[URL_SIZE];
  int status;
  skin_check_options(L, 2, name, known);
  read_common(L, name, &options, url);
  skin_string(L, 2, name, "type");
  strcat(url, "?type=");
  strcat(url, TYPES[skin_optional_choice(L, 2, name, "type", 0, TYPES)]);
  status = skin_optional_choice(L, 2, name, "status", -1, STATUSES);
  if (status >= 0) strcat(strcat(url, "&status="), STATUSES[status]);
  add_fields(L, name, url);
  options.doing = "listing compliance jobs";
  options.headers = ACCEPT;
  return session_run(L, 1, &options, push_list);
}

/* }================================================================== */

void operations_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"create_compliance_job", create_compliance_job},
      {"list_job", list_job},
      {"list_jobs", list_jobs},
      {NULL, NULL},
  };
  open_decoder(L);
  luaL_setfuncs(L, functions, 0);
}
