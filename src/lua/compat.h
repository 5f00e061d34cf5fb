/* compat.h - the one place that knows Lua's versions
 *
 * One source serves Lua 5.4, 5.3 and LuaJIT (whose API is 5.1's). What 5.1 lacks is defined here
 * with what it has; functions that LuaJIT adds to 5.1 are not used, so that the shared object also
 * loads in plain 5.1.
 */
#ifndef XCOMPLIANCE_COMPAT_H
#define XCOMPLIANCE_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* Only the opener is seen from outside the shared object. */
#define XCOMPLIANCE_EXPORT __attribute__((visibility("default")))

#if LUA_VERSION_NUM < 502
#undef luaL_setfuncs
#undef luaL_setmetatable
#define luaL_setfuncs(L, functions, upvalues) luaL_register(L, NULL, functions)
#define luaL_setmetatable(L, name) (luaL_getmetatable(L, name), lua_setmetatable(L, -2))
#define lua_rawlen(L, index) lua_objlen(L, index)
#endif

#if LUA_VERSION_NUM < 504
#define compat_newuserdata(L, size) lua_newuserdata(L, size)
#else
#define compat_newuserdata(L, size) lua_newuserdatauv(L, size, 0)
#endif

/* Pushes a whole number: an integer if Lua has them, else a double (exact to 2^53). */
#if LUA_VERSION_NUM >= 503
#define compat_pushwhole(L, number) lua_pushinteger(L, (lua_Integer)(number))
#else
#define compat_pushwhole(L, number) lua_pushnumber(L, (lua_Number)(number))
#endif

#endif
