/* core.c - the opener of the shared object xcompliance/core.so
 *
 * Requiring it starts no thread and opens nothing, so that nginx may require it before it forks.
 */
#include "lua/skin.h"

#define XCOMPLIANCE_VERSION "1.0.0"

XCOMPLIANCE_EXPORT int luaopen_xcompliance_core(lua_State *L);

int luaopen_xcompliance_core(lua_State *L) {
  lua_newtable(L);
  lua_pushliteral(L, XCOMPLIANCE_VERSION);
  lua_setfield(L, -2, "version");
  skin_open(L); /* first: the others return its errors */
  task_open(L);
  system_open(L);
  file_functions_open(L);
  session_open(L);
  api_calls_open(L);
  transfers_open(L);
  extract_open(L);
  shapes_open(L);
  verdicts_open(L);
  redact_open(L);
  list_files_open(L);
  names_open(L);
  id_lines_open(L);
  id_difference_open(L);
  return 1;
}
