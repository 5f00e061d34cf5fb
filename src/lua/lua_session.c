/* lua_session.c - the session handle, and what the files that start transfers share */
#include <string.h>

#include "http/session.h"
#include "http/transfer.h"
#include "http/url.h"
#include "lua/skin.h"

static const char SESSION_NAME[] = "xcompliance.session";

struct session_box {
  struct session *session; /* NULL: not made yet, or closed */
};

/* session:close() -> true: cancels what runs, ends the thread. Closing twice is harmless. */
static int method_close(lua_State *L) {
  struct session_box *box = luaL_checkudata(L, 1, SESSION_NAME);
  struct session *session = box->session;
  box->session = NULL;
  if (session) {
    session_close(session);
    session_release(session);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int method_tostring(lua_State *L) {
  struct session_box *box = luaL_checkudata(L, 1, SESSION_NAME);
  lua_pushstring(L, box->session ? "session (open)" : "session (closed)");
  return 1;
}

/* core.session{ ca_file?, proxy?, user_agent?, connect_timeout?, low_speed_limit?, low_speed_time?
 * }
 * -> session | nil, err: seconds; bytes a second; seconds. Made after a fork, by each process. */
static int session_function(lua_State *L) {
  static const char *const known[] = {
      "ca_file", "connect_timeout", "low_speed_limit", "low_speed_time", "proxy", "user_agent",
      NULL};
  static const char name[] = "xcompliance.client";
  struct session_options options;
  struct session_box *box;
  struct error error;
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  skin_check_options(L, 1, name, known);
  options.ca_file = skin_optional_string(L, 1, name, "ca_file", NULL);
  options.proxy = skin_optional_string(L, 1, name, "proxy", NULL);
  options.user_agent = skin_optional_string(L, 1, name, "user_agent", "xcompliance");
  options.connect_timeout = skin_optional_number(L, 1, name, "connect_timeout", 15, 0.001, 86400);
  options.low_speed_limit =
      (long)skin_optional_whole(L, 1, name, "low_speed_limit", 1024, 1u << 30);
  options.low_speed_time = (long)skin_optional_whole(L, 1, name, "low_speed_time", 60, 86400);
  for (const char *c = options.user_agent; *c; c++)
    if (*c < ' ' || *c > '~') skin_misuse(L, "%s: user_agent must be printable ASCII", name);
  box = compat_newuserdata(L, sizeof *box);
  box->session = NULL;
  luaL_setmetatable(L, SESSION_NAME);
  box->session = session_new(&options, &error);
  if (!box->session) return skin_failure(L, &error);
  return 1;
}

void session_push_masked(lua_State *L, const char *text, size_t size, const char *token) {
  size_t enough = 3 * size + 16;
  char *masked = compat_newuserdata(L, enough);
  url_mask(text, size, token, masked, enough);
  lua_pushstring(L, masked);
  lua_remove(L, -2);
}

static void push_value(lua_State *L, const char *value, const char *token, bool mask) {
  if (mask)
    session_push_masked(L, value, strlen(value), token);
  else
    lua_pushstring(L, value);
}

/* Pushes a table of the answer's headers: lower-case names; lines of one name are joined by ", ".
 * With `mask`, values are masked as url_mask does. */
static void push_headers(lua_State *L, const struct transfer *transfer, bool mask) {
  const char *line = transfer_headers(transfer);
  lua_newtable(L);
  for (; *line; line += strlen(line) + 1) {
    size_t length = strcspn(line, ":");
    const char *value = line + length;
    if (!*value) continue;
    value += 1 + strspn(value + 1, " \t");
    lua_pushlstring(L, line, length);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      push_value(L, value, transfer->token, mask);
    } else {
      lua_pushliteral(L, ", ");
      push_value(L, value, transfer->token, mask);
      lua_concat(L, 3);
    }
    lua_rawset(L, -3);
  }
}

int session_push_answer(lua_State *L, struct task *task) {
  const struct transfer *transfer = (const struct transfer *)task;
  size_t size;
  const char *body = transfer_body(transfer, &size);
  lua_createtable(L, 0, 8);
  skin_set_whole(L, "status", (uint64_t)transfer_status(transfer));
  push_headers(L, transfer, false);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, body, size);
  lua_setfield(L, -2, "body");
  skin_set_string(L, "doing", transfer->doing);
  skin_set_string(L, "where", transfer->where);
  return 1;
}

/* The state of an exchange that failed: enough to continue from there. */
static void add_to_error(lua_State *L, struct task *task) {
  struct transfer *transfer = (struct transfer *)task;
  skin_set_whole(L, "bytes", transfer_bytes(transfer));
  skin_set_boolean(L, "placed", transfer_placed(transfer));
  if (transfer_status(transfer) < 200) return; /* no answer, or only "100 Continue" */
  skin_set_whole(L, "status", (uint64_t)transfer_status(transfer));
  push_headers(L, transfer, true);
  lua_setfield(L, -2, "headers");
}

int session_run(lua_State *L, int session_index, const struct transfer_options *options,
                task_push_result *push_result, task_push_result *push_so_far) {
  struct session_box *session = luaL_checkudata(L, session_index, SESSION_NAME);
  struct task_box *box;
  struct transfer *transfer;
  struct error error;
  if (!session->session) return skin_misuse(L, "this session is closed - make another client");
  box = task_box_new(L, push_result);
  task_box_explain(box, add_to_error);
  task_box_watch(box, push_so_far);
  transfer = transfer_new(options, &error);
  if (!transfer) return skin_failure(L, &error);
  task_box_fill(L, box, &transfer->task, &error);
  if (session_start(session->session, transfer, &error)) return 1;
  if (error.code != ERROR_USAGE) return skin_failure(L, &error);
  return skin_misuse(L, "%s", error.message);
}

void session_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", method_close}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__close", method_close},
      {"__gc", method_close},
      {"__tostring", method_tostring},
      {NULL, NULL},
  };
  skin_metatable(L, SESSION_NAME, methods, metamethods);
  lua_pushcfunction(L, session_function);
  lua_setfield(L, -2, "session");
}
