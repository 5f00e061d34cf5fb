/* lua_shapes.c - the shapes of records, for Lua */
#include <stdlib.h>

#include "dataset/extraction/explain.h"
#include "dataset/text/shapes.h"
#include "lua/skin.h"

/* core.shapes() -> { { name, about, text }, ... }: those that are built in */
static int shapes(lua_State *L) {
  const struct shape_text *shape;
  lua_newtable(L);
  for (int i = 0; (shape = shapes_builtin((size_t)i)); i++) {
    lua_createtable(L, 0, 3);
    skin_set_string(L, "name", shape->name);
    skin_set_string(L, "about", shape->about);
    skin_set_string(L, "text", shape->text);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.explain{ path, shape?, columns?, records? } -> text | nil, err: what is recognised in the
 * first records of a file. See dataset/extraction/explain.h. */
static int explain(lua_State *L) {
  static const char *const known[] = {"columns", "path", "records", "shape", NULL};
  static const char name[] = "core.explain";
  const char *path, *shape;
  const struct column_name *columns;
  struct error error;
  size_t records;
  char *text;
  skin_check_options(L, 1, name, known);
  path = skin_string(L, 1, name, "path");
  shape = skin_optional_string(L, 1, name, "shape", NULL);
  records = (size_t)skin_optional_whole(L, 1, name, "records", 10, 1 << 20);
  columns = skin_columns(L, 1, name);
  text = explain_file(path, shape, columns, records, &error);
  if (!text) return skin_failure(L, &error);
  lua_pushstring(L, text);
  free(text);
  return 1;
}

void shapes_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"explain", explain},
      {"shapes", shapes},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
