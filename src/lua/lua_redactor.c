/* lua_redactor.c - redaction of single records, for Lua */
#include <string.h>

#include "dataset/redaction/redactor.h"
#include "dataset/text/id.h"
#include "lua/skin.h"

/* {==================================================================
** Redactors by options
** =================================================================== */

static void read_settings(lua_State *L, int index, const char *name,
                          struct redactor_settings *settings) {
  static const char *const known[] = {
      "on_malformed", "on_unknown", "on_unrecognised", "policy", "shape", "strict", NULL};
  memset(settings, 0, sizeof *settings); /* TREAT_STOP, and not strict */
  if (lua_isnoneornil(L, index)) {
    skin_default_policy(&settings->policy);
    return;
  }
  skin_check_options(L, index, name, known);
  skin_policy(L, index, name, &settings->policy);
  settings->on_malformed = skin_on_malformed(L, index, name);
  settings->on_unrecognised = skin_on_unrecognised(L, index, name);
  settings->strict = skin_optional_boolean(L, index, name, "strict", false);
  settings->shape = skin_optional_string(L, index, name, "shape", NULL);
}

/* Puts redactor number `i` in front of those before it. */
static struct redactor *bring_forward(struct verdicts_box *box, int i) {
  struct redactor *found = box->redactors[i];
  for (; i > 0; i--)
    box->redactors[i] = box->redactors[i - 1];
  box->redactors[0] = found;
  return found;
}

/* The redactor with these settings, made if there is none; the one that was used longest ago makes
 * room for it. NULL with `error` filled. */
static struct redactor *find_redactor(struct verdicts_box *box,
                                      const struct redactor_settings *settings,
                                      struct error *error) {
  struct redactor *made;
  for (int i = 0; i < VERDICTS_REDACTORS; i++)
    if (box->redactors[i] && redactor_has(box->redactors[i], settings))
      return bring_forward(box, i);
  made = redactor_new(box->verdicts, settings, error);
  if (!made) return NULL;
  redactor_free(box->redactors[VERDICTS_REDACTORS - 1]);
  box->redactors[VERDICTS_REDACTORS - 1] = made;
  return bring_forward(box, VERDICTS_REDACTORS - 1);
}

/* }================================================================== */

/* {==================================================================
** Why
** =================================================================== */

static const char *position_name(enum record_position position) {
  static const char *const names[] = {
      [AT_ROOT] = "record",
      [AT_ROOT_ELEMENT] = "record",
      [AT_DATA] = "data",
      [AT_ITEM] = "item",
      [AT_TWEET_ITEM] = "item",
      [AT_INCLUDED_TWEET] = "included",
      [AT_INCLUDED_USER] = "included",
      [AT_RETWEETED] = "retweeted",
      [AT_QUOTED] = "quoted",
      [AT_REFERENCE] = "referenced",
      [AT_POSTED] = "posted",
      [AT_AUTHOR] = "author",
      [AT_OTHER_USER] = "mentioned",
      [AT_NOWHERE] = "nowhere",
  };
  return names[position];
}

/* What the id is: "record", "author", "retweeted", "quoted author" and so on. */
static void push_place(lua_State *L, const struct judge_cause *cause) {
  static const char *const roles[] = {
      [ID_OWN] = NULL,
      [ID_EDIT_HISTORY] = "edit_history",
      [ID_AUTHOR] = "author",
      [ID_RETWEETED] = "retweeted",
      [ID_RETWEETED_AUTHOR] = "retweeted author",
      [ID_KNOWN] = "known",
  };
  const char *role = roles[cause->role], *position = position_name(cause->position);
  if (!role)
    lua_pushstring(L, position);
  else if (cause->position == AT_ROOT || cause->position == AT_ROOT_ELEMENT)
    lua_pushstring(L, role);
  else
    lua_pushfstring(L, "%s %s", position, role);
}

/* Adds a cause to the table on top. */
static void set_cause(lua_State *L, const struct judge_cause *cause) {
  char id[ID_FORMAT_ROOM];
  lua_pushlstring(L, id, id_format(cause->id, id));
  lua_setfield(L, -2, "id");
  skin_set_string(L, "type", cause->type == VERDICTS_USERS ? "users" : "tweets");
  skin_set_string(L, "outcome", fact_outcome(cause->fact));
  skin_set_string(L, "reason", fact_reason(cause->fact));
  push_place(L, cause);
  lua_setfield(L, -2, "cause");
}

/* The first of the most serious causes. */
static bool find_main_cause(const struct judge *judge, struct judge_cause *found) {
  struct judge_cause cause;
  uint32_t next = 0;
  bool any = false;
  while (judge_cause(judge, &next, &cause)) {
    if (any && cause.level <= found->level) continue;
    *found = cause;
    any = true;
  }
  return any;
}

static void push_causes(lua_State *L, const struct judge *judge) {
  struct judge_cause cause;
  uint32_t next = 0;
  lua_newtable(L);
  for (int i = 1; judge && judge_cause(judge, &next, &cause); i++) {
    lua_createtable(L, 0, 5);
    set_cause(L, &cause);
    lua_rawseti(L, -2, i);
  }
}

static void push_pieces(lua_State *L, const struct pieces *pieces) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (size_t i = 0; i < pieces->count; i++)
    luaL_addlstring(&buffer, pieces->list[i].iov_base, pieces->list[i].iov_len);
  luaL_pushresult(&buffer);
}

/* Pushes { action, class, problem?, quarantine?, id?, type?, outcome?, reason?, cause? }. */
static void push_result(lua_State *L, const struct redactor_result *result) {
  static const char *const actions[] = {"kept", "changed", "dropped", "quarantined", "stopped"};
  static const char *const classes[] = {"recognised", "notice",   "unrecognised",
                                        "malformed",  "unparsed", "empty"};
  struct judge_cause cause;
  lua_createtable(L, 0, 8);
  skin_set_string(L, "action", actions[result->action]);
  skin_set_string(L, "class", classes[result->class]);
  if (result->problem) {
    skin_push_error(L, result->problem);
    lua_setfield(L, -2, "problem");
  }
  if (result->action == REDACTOR_QUARANTINED) {
    push_pieces(L, result->quarantine);
    lua_setfield(L, -2, "quarantine");
  }
  if (result->judge && find_main_cause(result->judge, &cause)) set_cause(L, &cause);
}

/* }================================================================== */

/* {==================================================================
** Methods
** =================================================================== */

/* The redactor that the arguments (verdicts, record, options?) ask for, and the record. */
static struct redactor *check_call(lua_State *L, const char *name, const char **text, size_t *size,
                                   struct error *error) {
  struct verdicts_box *box = verdicts_box_check(L, 1);
  struct redactor_settings settings;
  if (lua_type(L, 2) != LUA_TSTRING)
    skin_misuse(L, "%s: a record is a string or a table, not a %s", name, luaL_typename(L, 2));
  *text = lua_tolstring(L, 2, size);
  read_settings(L, 3, name, &settings);
  return find_redactor(box, &settings, error);
}

/* verdicts:redact(record [, options]) -> string | nil, why: see lua/xcompliance/verdicts.lua */
int verdicts_redact(lua_State *L) {
  struct redactor_result result;
  struct redactor *redactor;
  struct error error;
  const char *text;
  size_t size;
  redactor = check_call(L, "verdicts:redact", &text, &size, &error);
  if (!redactor) return skin_failure(L, &error);
  redactor_judge(redactor, text, size, &result);
  if (result.action == REDACTOR_STOPPED) return skin_failure(L, result.problem);
  if (result.action == REDACTOR_KEPT) {
    lua_pushvalue(L, 2);
    return 1;
  }
  if (result.action == REDACTOR_CHANGED) {
    push_pieces(L, result.output);
    return 1;
  }
  lua_pushnil(L);
  push_result(L, &result);
  return 2;
}

/* verdicts:judge(record [, options]) -> { action, class, ..., causes } | nil, err: see
 * lua/xcompliance/verdicts.lua */
int verdicts_judge(lua_State *L) {
  struct redactor_result result;
  struct redactor *redactor;
  struct error error;
  const char *text;
  size_t size;
  redactor = check_call(L, "verdicts:judge", &text, &size, &error);
  if (!redactor) return skin_failure(L, &error);
  redactor_judge(redactor, text, size, &result);
  if (result.class == REDACTOR_UNPARSED) redactor_parse(redactor, &result);
  push_result(L, &result);
  push_causes(L, result.judge);
  lua_setfield(L, -2, "causes");
  return 1;
}

/* }================================================================== */
