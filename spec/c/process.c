/* process.c - system functions that specs need and Lua lacks: fork, and immediate exit */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lua/compat.h"

XCOMPLIANCE_EXPORT int luaopen_spec_process(lua_State *L);

/* process.fork() -> the child's id, or 0 in the child */
static int process_fork(lua_State *L) {
  lua_pushinteger(L, fork());
  return 1;
}

/* process.wait(id) -> the exit status, or the negative signal */
static int process_wait(lua_State *L) {
  int status = 0;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 1;
}

/* process.exit(status): immediately; copies of the parent's files are neither closed nor flushed */
static int process_exit(lua_State *L) {
  _exit((int)luaL_checkinteger(L, 1));
}

int luaopen_spec_process(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"exit", process_exit}, {"fork", process_fork}, {"wait", process_wait}, {NULL, NULL}};
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
