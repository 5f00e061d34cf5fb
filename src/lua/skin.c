/* skin.c - see skin.h
 *
 * An error is a table with its own metatable, the same whether it is returned or raised: its `kind`
 * is for programs, and tostring() gives its message.
 */
#include "dataset/text/columns.h"
#include "dataset/text/id.h"
#include "lua/skin.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATHS_MAX = 1 << 20 };

static const char ERROR_NAME[] = "xcompliance.error";

static int error_tostring(lua_State *L) {
  lua_getfield(L, 1, "where");
  lua_getfield(L, 1, "message");
  if (lua_isstring(L, 2) && lua_isstring(L, 3))
    lua_pushfstring(L, "%s: %s", lua_tostring(L, 2), lua_tostring(L, 3));
  return 1;
}

/* {==================================================================
** Who called the module: misuse is located there
** =================================================================== */

static const char FOLDER_KEY = 0; /* its address is the key in the registry */

/* core.set_folder(folder): where the module's Lua files are; their frames are not callers */
static int set_folder(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushlightuserdata(L, (void *)&FOLDER_KEY);
  lua_insert(L, 1);
  lua_rawset(L, LUA_REGISTRYINDEX);
  return 0;
}

/* Whether a frame is of the caller: Lua, and not of a file of the module. */
static bool is_caller(lua_Debug *frame, const char *folder) {
  if (frame->currentline <= 0) return false;
  return !folder || strncmp(frame->source, folder, strlen(folder)) != 0;
}

/* Pushes "file:line" of the innermost caller of the module, or nil. */
static void push_caller(lua_State *L) {
  lua_Debug frame;
  const char *folder;
  int at = lua_gettop(L) + 1;
  lua_pushlightuserdata(L, (void *)&FOLDER_KEY);
  lua_rawget(L, LUA_REGISTRYINDEX);
  folder = lua_tostring(L, at);
  lua_pushnil(L);
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (!is_caller(&frame, folder)) continue;
    lua_pushfstring(L, "%s:%d", frame.short_src, frame.currentline);
    lua_replace(L, at + 1);
    break;
  }
  lua_remove(L, at);
}

/* core.caller() -> "file:line" | nil: the innermost Lua function that is not of the module */
static int caller(lua_State *L) {
  push_caller(L);
  return 1;
}

/* }================================================================== */

/* core.error(fields) -> fields, made an error: tostring() of it is its message, after
 * where the module was called if it is misuse */
static int error_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_setmetatable(L, ERROR_NAME);
  return 1;
}

static bool worth_a_retry(enum error_code code) {
  return code == ERROR_NETWORK || code == ERROR_TIMEOUT || code == ERROR_PROTOCOL;
}

void skin_push_error(lua_State *L, const struct error *error) {
  lua_createtable(L, 0, 7);
  skin_set_string(L, "kind", error_kind(error->code));
  skin_set_string(L, "message", error->message);
  skin_set_boolean(L, "retryable", worth_a_retry(error->code));
  if (error->creating) skin_set_boolean(L, "creating", true);
  if (error->system != 0) {
    skin_set_whole(L, "system", (uint64_t)error->system);
  }
  if (error->file[0]) {
    skin_set_string(L, "file", error->file);
  }
  if (error->line > 0) {
    skin_set_whole(L, "line", error->line);
    skin_set_whole(L, "byte", error->byte);
  }
  luaL_setmetatable(L, ERROR_NAME);
}

void skin_set_whole(lua_State *L, const char *field, uint64_t value) {
  compat_pushwhole(L, value);
  lua_setfield(L, -2, field);
}

void skin_set_string(lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text); /* NULL is pushed as nil */
  lua_setfield(L, -2, field);
}

void skin_set_boolean(lua_State *L, const char *field, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, field);
}

int skin_push_true(lua_State *L, struct task *task) {
  (void)task;
  lua_pushboolean(L, 1);
  return 1;
}

int skin_failure(lua_State *L, const struct error *error) {
  lua_pushnil(L);
  skin_push_error(L, error);
  return 2;
}

int skin_misuse(lua_State *L, const char *format, ...) {
  struct error error;
  va_list arguments;
  error_set(&error, ERROR_USAGE, "%s", "");
  va_start(arguments, format);
  vsnprintf(error.message, sizeof error.message, format, arguments);
  va_end(arguments);
  skin_push_error(L, &error);
  push_caller(L);
  lua_setfield(L, -2, "where");
  lua_error(L);
  __builtin_unreachable();
}

static bool is_known(const char *key, const char *const *known) {
  for (; *known; known++)
    if (strcmp(key, *known) == 0) return true;
  return false;
}

void skin_check_options(lua_State *L, int index, const char *function, const char *const *known) {
  if (!lua_istable(L, index))
    skin_misuse(L, "%s: options must be a table, not %s", function, luaL_typename(L, index));
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *key;
    size_t size;
    if (lua_type(L, -2) != LUA_TSTRING) skin_misuse(L, "%s: option names are strings", function);
    key = lua_tolstring(L, -2, &size);
    if (strlen(key) != size || !is_known(key, known))
      skin_misuse(L, "%s: there is no option '%.64s'", function, key);
    lua_pop(L, 1);
  }
}

const char *skin_path(lua_State *L, int index, const char *function) {
  size_t size;
  const char *path = luaL_checklstring(L, index, &size);
  if (size == 0 || strlen(path) != size)
    skin_misuse(L, "%s: the path is empty or holds a NUL byte", function);
  return path;
}

/* Raw reads: an options table with a metatable must not run code between a check and its use. */
static int field_type(lua_State *L, int index, const char *field) {
  lua_pushstring(L, field);
  lua_rawget(L, index);
  return lua_type(L, -1);
}

const char *skin_optional_string(lua_State *L, int index, const char *function, const char *field,
                                 const char *otherwise) {
  const char *text = otherwise;
  size_t size;
  int type = field_type(L, index, field);
  if (type != LUA_TNIL) {
    if (type != LUA_TSTRING)
      skin_misuse(L, "%s: %s must be a string, not %s", function, field, lua_typename(L, type));
    text = lua_tolstring(L, -1, &size);
    if (strlen(text) != size) skin_misuse(L, "%s: %s holds a NUL byte", function, field);
  }
  lua_pop(L, 1);
  return text;
}

const char *skin_string(lua_State *L, int index, const char *function, const char *field) {
  const char *text = skin_optional_string(L, index, function, field, NULL);
  if (!text) skin_misuse(L, "%s: %s is missing", function, field);
  return text;
}

bool skin_optional_boolean(lua_State *L, int index, const char *function, const char *field,
                           bool otherwise) {
  int type = field_type(L, index, field);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    skin_misuse(L, "%s: %s must be a boolean, not %s", function, field, lua_typename(L, type));
  if (type == LUA_TBOOLEAN) otherwise = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return otherwise;
}

/* Messages have a decimal point in every locale. */
static void refuse_number(lua_State *L, const char *function, const char *field, double least,
                          double most) {
  char range[64];
  snprintf(range, sizeof range, "%g to %g", least, most);
  for (char *c = range; *c; c++)
    if (*c == *localeconv()->decimal_point) *c = '.';
  skin_misuse(L, "%s: %s must be from %s", function, field, range);
}

double skin_optional_number(lua_State *L, int index, const char *function, const char *field,
                            double otherwise, double least, double most) {
  int type = field_type(L, index, field);
  if (type != LUA_TNIL && type != LUA_TNUMBER)
    skin_misuse(L, "%s: %s must be a number, not %s", function, field, lua_typename(L, type));
  if (type == LUA_TNUMBER) {
    otherwise = lua_tonumber(L, -1);
    if (!(otherwise >= least && otherwise <= most)) refuse_number(L, function, field, least, most);
  }
  lua_pop(L, 1);
  return otherwise;
}

uint64_t skin_optional_whole(lua_State *L, int index, const char *function, const char *field,
                             uint64_t otherwise, uint64_t most) {
  double number =
      skin_optional_number(L, index, function, field, (double)otherwise, 0, (double)most);
  if (number != floor(number) || number > 9007199254740992.0)
    skin_misuse(L, "%s: %s must be a whole number", function, field);
  return (uint64_t)number;
}

int skin_optional_choice(lua_State *L, int index, const char *function, const char *field,
                         int otherwise, const char *const *choices) {
  char list[256] = "";
  const char *text = skin_optional_string(L, index, function, field, NULL);
  if (!text) return otherwise;
  for (int i = 0; choices[i]; i++) {
    size_t used = strlen(list);
    if (strcmp(text, choices[i]) == 0) return i;
    snprintf(list + used, sizeof list - used, "%s'%s'", i ? ", " : "", choices[i]);
  }
  return skin_misuse(L, "%s: %s must be one of %s, not '%.64s'", function, field, list, text);
}

/* How many members the table on top of the stack has. */
static int count_members(lua_State *L) {
  int count = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    count++;
  }
  return count;
}

int skin_optional_list(lua_State *L, int index, const char *function, const char *field,
                       const char **list, int most) {
  int type = field_type(L, index, field), count = 0;
  if (type != LUA_TNIL && type != LUA_TTABLE)
    skin_misuse(L, "%s: %s must be an array of strings", function, field);
  for (int i = 1; type == LUA_TTABLE; i++, count++) {
    size_t size;
    const char *text;
    lua_rawgeti(L, -1, i);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      break;
    }
    if (lua_type(L, -1) != LUA_TSTRING || count == most)
      skin_misuse(L, "%s: %s must be an array of at most %d strings", function, field, most);
    text = lua_tolstring(L, -1, &size);
    for (size_t c = 0; c < size; c++)
      if ((unsigned char)text[c] < ' ' || text[c] == 0x7f)
        skin_misuse(L, "%s: an element of %s holds a control character", function, field);
    list[count] = text;
    lua_pop(L, 1);
  }
  if (type == LUA_TTABLE && count_members(L) != count)
    skin_misuse(L, "%s: %s must be an array without holes or other members", function, field);
  list[count] = NULL;
  lua_pop(L, 1);
  return count;
}

/* The path on top of the stack, which is an element of `field`. */
static const char *check_element(lua_State *L, const char *function, const char *field) {
  size_t size;
  const char *path;
  if (lua_type(L, -1) != LUA_TSTRING) skin_misuse(L, "%s: %s must be strings", function, field);
  path = lua_tolstring(L, -1, &size);
  if (size == 0 || size >= PATH_MAX || strlen(path) != size)
    skin_misuse(L, "%s: one of %s is empty, too long, or holds a NUL byte", function, field);
  return path;
}

const char *const *skin_paths(lua_State *L, int index, const char *function, const char *field) {
  const char **paths;
  size_t count;
  int type = field_type(L, index, field);
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TTABLE) skin_misuse(L, "%s: %s must be an array of paths", function, field);
  count = lua_rawlen(L, -1);
  if (count > PATHS_MAX)
    skin_misuse(L, "%s: there are too many %s - give their folder", function, field);
  paths = compat_newuserdata(L, (count + 1) * sizeof *paths);
  paths[count] = NULL;
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    paths[i] = check_element(L, function, field);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  return paths;
}

const char *const *skin_inputs(lua_State *L, int index, const char *function) {
  const char *const *inputs = skin_paths(L, index, function, "inputs");
  if (!inputs || !inputs[0])
    skin_misuse(L, "%s: inputs must name at least one file or folder", function);
  return inputs;
}

uint64_t skin_id(lua_State *L, int index, const char *function) {
  size_t size;
  const char *text;
  uint64_t id;
  if (lua_type(L, index) != LUA_TSTRING)
    skin_misuse(L, "%s: an id is a string, not a %s", function, luaL_typename(L, index));
  text = lua_tolstring(L, index, &size);
  id = id_parse(text, size);
  if (id == 0) skin_misuse(L, "%s: '%.40s' is not an id", function, text);
  return id;
}

void skin_metatable(lua_State *L, const char *name, const luaL_Reg *methods,
                    const luaL_Reg *metamethods) {
  luaL_newmetatable(L, name);
  skin_set_string(L, "__name", name);
  if (metamethods) luaL_setfuncs(L, metamethods, 0);
  if (methods) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}

void skin_check_token(lua_State *L, const char *function, const char *token) {
  if (!*token) skin_misuse(L, "%s: bearer_token is empty", function);
  for (; *token; token++)
    if (*token <= ' ' || *token > '~')
      skin_misuse(L, "%s: bearer_token must be printable ASCII without spaces", function);
}

void skin_open(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__tostring", error_tostring}, {NULL, NULL}};
  skin_metatable(L, ERROR_NAME, NULL, metamethods);
  lua_pushcfunction(L, error_new);
  lua_setfield(L, -2, "error");
  lua_pushcfunction(L, set_folder);
  lua_setfield(L, -2, "set_folder");
  lua_pushcfunction(L, caller);
  lua_setfield(L, -2, "caller");
}

/* Adds the string on top of the stack, which the table of options holds. */
static void add_column(lua_State *L, const char *name, struct column_name *list, size_t *count,
                       int role) {
  if (lua_type(L, -1) != LUA_TSTRING)
    skin_misuse(L, "%s: columns.%s must be a name, or an array of names", name,
                column_role_names[role]);
  if (*count == COLUMN_NAMES_MAX)
    skin_misuse(L, "%s: more than %d columns are named", name, COLUMN_NAMES_MAX);
  list[(*count)++] = (struct column_name){(enum column_role)role, lua_tostring(L, -1)};
}

const struct column_name *skin_columns(lua_State *L, int index, const char *name) {
  struct column_name *list;
  size_t count = 0;
  int table;
  lua_pushliteral(L, "columns");
  lua_rawget(L, index);
  table = lua_gettop(L);
  if (lua_isnil(L, table)) return NULL;
  if (!lua_istable(L, table)) skin_misuse(L, "%s: columns must be a table", name);
  skin_check_options(L, table, name, column_role_names);
  list = compat_newuserdata(L, (COLUMN_NAMES_MAX + 1) * sizeof *list);
  for (int role = 0; role < COLUMN_ROLES; role++) {
    lua_pushstring(L, column_role_names[role]);
    lua_rawget(L, table);
    if (lua_istable(L, -1)) {
      for (size_t i = 1; i <= lua_rawlen(L, -1); i++) {
        lua_rawgeti(L, -1, (int)i);
        add_column(L, name, list, &count, role);
        lua_pop(L, 1);
      }
    } else if (!lua_isnil(L, -1)) {
      add_column(L, name, list, &count, role);
    }
    lua_pop(L, 1);
  }
  list[count].name = NULL;
  return list;
}
