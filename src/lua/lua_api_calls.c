/* lua_api_calls.c - the calls of the compliance API as Lua functions
 *
 * Each function checks its arguments, starts one exchange and returns its task. The task's result
 * is the answer as received, whatever its status is: { status, headers, body, doing, where }. Lua
 * decides what it means (xcompliance.api_answers), and nothing is retried here.
 *
 * The API: POST and GET /2/compliance/jobs, GET and DELETE /2/compliance/jobs/{id}
 * (https://docs.x.com/x-api/compliance).
 */
#include <stdio.h>
#include <string.h>

#include "http/transfer.h"
#include "http/url.h"
#include "lua/skin.h"

enum { NAME_POINTS_MAX = 64, FIELDS_MAX = 10, URL_SIZE = 2048 };

/* A list has no pages, and a job in it takes about 2 kB: this is enough for 8,000 of them. */
static const size_t LIST_MAX = 16 << 20;

static const char *const TYPES[] = {"tweets", "users", NULL};
static const char *const STATUSES[] = {"created", "in_progress", "failed", "complete", NULL};
static const char *const FIELDS[] = {
    "created_at", "download_expires_at", "download_url",      "id", "name", "resumable", "status",
    "type",       "upload_url",          "upload_expires_at", NULL,
};

/* {==================================================================
** Arguments
** =================================================================== */

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

/* Fills what all calls share, and begins `url` (of URL_SIZE bytes) with the place of the jobs. */
static void read_common(lua_State *L, const char *name, struct transfer_options *options,
                        char *url) {
  bool allow_http = skin_optional_boolean(L, 2, name, "allow_http", false);
  const char *base = skin_string(L, 2, name, "base_url");
  size_t size = strlen(base);
  struct error error;
  options->bearer_token = skin_string(L, 2, name, "bearer_token");
  options->timeout = skin_optional_number(L, 2, name, "timeout", 30, 0.001, 1e7);
  skin_check_token(L, name, options->bearer_token);
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
** Operations
** =================================================================== */

static const char *const JSON_HEADERS[] = {"Content-Type: application/json",
                                           "Accept: application/json", NULL};
static const char *const ACCEPT[] = {"Accept: application/json", NULL};

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
 * timeout?, allow_http? }) -> task -> { status, headers, body, doing, where } | nil, err It is sent
 * at most once, on a new connection: a second request would make a second job. */
static int create_compliance_job(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields", "name",
                                      "resumable",  "timeout",  "type",         NULL};
  static const char name[] = "create_compliance_job";
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
  return session_run(L, 1, &options, session_push_answer, NULL);
}

/* A call about one job, which has no body. */
static int call_job(lua_State *L, const char *name, const char *method, const char *doing) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields", "id",
                                      "timeout",    NULL};
  struct transfer_options options = {.kind = TRANSFER_REQUEST, .method = method, .doing = doing};
  char url[URL_SIZE];
  const char *id;
  skin_check_options(L, 2, name, known);
  read_common(L, name, &options, url);
  id = skin_string(L, 2, name, "id");
  if (!is_job_id(id)) skin_misuse(L, "%s: a job's id is a string of 1 to 19 digits", name);
  strcat(strcat(url, "/"), id);
  add_fields(L, name, url);
  options.headers = ACCEPT;
  return session_run(L, 1, &options, session_push_answer, NULL);
}

/* core.list_job(session, { base_url, bearer_token, id, fields?, timeout?, allow_http? })
 * -> task -> { status, headers, body, doing, where } | nil, err */
static int list_job(lua_State *L) {
  return call_job(L, "list_job", "GET", "reading a compliance job");
}

/* core.cancel_job(session, { base_url, bearer_token, id, fields?, timeout?, allow_http? })
 * -> task -> { status, headers, body, doing, where } | nil, err */
static int cancel_job(lua_State *L) {
  return call_job(L, "cancel_job", "DELETE", "cancelling a compliance job");
}

/* core.list_jobs(session, { base_url, bearer_token, type, status?, fields?, timeout?, allow_http?
 * })
 * -> task -> { status, headers, body, doing, where } | nil, err */
static int list_jobs(lua_State *L) {
  static const char *const known[] = {"allow_http", "base_url", "bearer_token", "fields",
                                      "status",     "timeout",  "type",         NULL};
  static const char name[] = "list_jobs";
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
  options.body_max = LIST_MAX;
  options.headers = ACCEPT;
  return session_run(L, 1, &options, session_push_answer, NULL);
}

/* core.name_points(text) -> integer | nil: the code points of a job's name; nil if it cannot be
 * one, because it is not UTF-8 or holds a zero byte */
static int name_points(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  int points = strlen(text) == size ? count_points(text) : -1;
  if (points < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, points);
  return 1;
}

/* }================================================================== */

void api_calls_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"cancel_job", cancel_job},   {"create_compliance_job", create_compliance_job},
      {"list_job", list_job},       {"list_jobs", list_jobs},
      {"name_points", name_points}, {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
