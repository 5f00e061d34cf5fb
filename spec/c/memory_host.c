/* memory_host.c - runs a Lua script that can make memory run out
 *
 *   memory_host SCRIPT [ARGUMENT...]
 *
 * The script has two more functions: starve(n, once) makes the n-th allocation from now on fail, and
 * all after it unless `once` is true, in the whole process (Lua's, libcurl's, ours); feed() ends
 * that and returns how many there were. glibc lets a program define its own malloc; these call the original.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static atomic_long allocations, allowed = -1;
static atomic_bool once;

/* The dynamic linker allocates a new thread's variables when they are first used, and ends the
 * process if it cannot, which tests nothing. */
static int is_linker(void *caller) {
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "/ld-linux");
}

static int may_have(void *caller) {
  long limit = atomic_load(&allowed), number;
  if (limit < 0 || is_linker(caller)) return 1;
  number = atomic_fetch_add(&allocations, 1);
  if (number < limit || (number > limit && atomic_load(&once))) return 1;
  errno = ENOMEM;
  return 0;
}

void *malloc(size_t size) {
  return may_have(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size) {
  return may_have(__builtin_return_address(0)) ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *block, size_t size) {
  return may_have(__builtin_return_address(0)) ? __libc_realloc(block, size) : NULL;
}

static int starve(lua_State *L) {
  long limit = (long)luaL_checkinteger(L, 1);
  atomic_store(&once, lua_toboolean(L, 2));
  atomic_store(&allocations, 0);
  atomic_store(&allowed, limit - 1);
  return 0;
}

static int feed(lua_State *L) {
  atomic_store(&allowed, -1);
  lua_pushinteger(L, atomic_load(&allocations));
  return 1;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int failed;
  luaL_openlibs(L);
  lua_register(L, "starve", starve);
  lua_register(L, "feed", feed);
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  failed = argc < 2 || luaL_dofile(L, argv[1]);
  if (failed) fprintf(stderr, "%s\n", argc < 2 ? "which script?" : lua_tostring(L, -1));
  lua_close(L);
  return failed;
}
