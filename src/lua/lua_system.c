/* lua_system.c - the few system functions that Lua's own library lacks
 *
 * Signals are the only process-wide thing here, and only a program may use them: the handlers are
 * installed by catch_signals(), which the command calls and a library never does.
 */
#include <archive.h>
#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <zstd.h>

#include "checksum.h"
#include "file.h"
#include "http/session.h"
#include "http/url.h"
#include "lua/skin.h"

static volatile sig_atomic_t caught;

static void on_signal(int number) {
  caught = number;
}

/* core.catch_signals(): from now on SIGINT, SIGTERM and SIGHUP are noted instead of ending the
 * process, and SIGPIPE is ignored. A second signal of the kind ends the process as usual. */
static int catch_signals(lua_State *L) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action;
  (void)L;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_signal;
  action.sa_flags = (int)SA_RESETHAND;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction before;
    sigaction(numbers[i], NULL, &before);
    if (before.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL); /* nohup stays */
  }
  action.sa_handler = SIG_IGN;
  action.sa_flags = 0;
  sigaction(SIGPIPE, &action, NULL);
  return 0;
}

/* core.hold_standard(): if standard input, output or error is closed, its descriptor is taken, so
 * that no file that is opened later gets it. Reading from it and writing to it fail. */
static int hold_standard(lua_State *L) {
  static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
  (void)L;
  for (int i = 0; i < 3; i++)
    if (fcntl(i, F_GETFD) < 0 && open("/dev/null", modes[i]) != i) break;
  return 0;
}

/* core.caught_signal() -> "SIGINT", "SIGTERM", "SIGHUP" or nil: the last signal that was noted */
static int caught_signal(lua_State *L) {
  switch (caught) {
  case SIGINT: lua_pushliteral(L, "SIGINT"); break;
  case SIGTERM: lua_pushliteral(L, "SIGTERM"); break;
  case SIGHUP: lua_pushliteral(L, "SIGHUP"); break;
  default: lua_pushnil(L);
  }
  return 1;
}

/* core.random_hex(bytes) -> string of two digits a byte, from the system's generator; 1 to 32 bytes
 */
static int random_hex(lua_State *L) {
  unsigned char bytes[32];
  char text[65];
  double count = luaL_checknumber(L, 1);
  if (!(count >= 1 && count <= 32)) skin_misuse(L, "core.random_hex: from 1 to 32 bytes");
  file_random(bytes, (size_t)count);
  for (size_t i = 0; i < (size_t)count; i++) {
    text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  lua_pushlstring(L, text, 2 * (size_t)count);
  return 1;
}

/* core.crc32c(text) -> its CRC32C as x-goog-hash writes it: base64 of four big-endian bytes */
static int crc32c(lua_State *L) {
  char text[CHECKSUM_TEXT];
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  checksum_format(checksum_crc32c(0, bytes, size), text);
  lua_pushstring(L, text);
  return 1;
}

/* core.mask(text [, token]) -> text in which the secrets of signed URLs, and the token, are stars
 */
static int mask(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  session_push_masked(L, text, size, luaL_optstring(L, 2, NULL));
  return 1;
}

/* core.is_loopback(url) -> boolean: whether its host is localhost or a loopback address */
static int is_loopback(lua_State *L) {
  size_t size;
  const char *url = luaL_checklstring(L, 1, &size);
  lua_pushboolean(L, strlen(url) == size && url_is_loopback(url));
  return 1;
}

/* core.process() -> integer: the id of the process; a child of a fork has another */
static int process(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)getpid());
  return 1;
}

/* core.is_terminal(descriptor) -> boolean: whether 0, 1 or 2 is a terminal */
static int is_terminal(lua_State *L) {
  double descriptor = luaL_checknumber(L, 1);
  lua_pushboolean(L, descriptor >= 0 && descriptor <= 2 && isatty((int)descriptor));
  return 1;
}

/* core.libraries() -> table: the versions of the libraries, by their names */
static int libraries(lua_State *L) {
  const char *tls, *curl = session_library(&tls);
  char archive[32];
  snprintf(archive, sizeof archive, "%d.%d.%d", archive_version_number() / 1000000,
           archive_version_number() / 1000 % 1000, archive_version_number() % 1000);
  lua_createtable(L, 0, 6);
  skin_set_string(L, "libcurl", curl);
  skin_set_string(L, "tls", tls);
  skin_set_string(L, "zstd", ZSTD_versionString());
  lua_pushlstring(L, BZ2_bzlibVersion(), strcspn(BZ2_bzlibVersion(), ",")); /* a date follows */
  lua_setfield(L, -2, "bzip2");
  skin_set_string(L, "xz", lzma_version_string());
  skin_set_string(L, "libarchive", archive);
  return 1;
}

/* core.terminal_columns() -> integer?: how wide the terminal of standard error is now; nil if it is
   none, or does not say */
static int terminal_columns(lua_State *L) {
  struct winsize size = {0};
  if (ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

void system_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"catch_signals", catch_signals},
      {"caught_signal", caught_signal},
      {"crc32c", crc32c},
      {"hold_standard", hold_standard},
      {"is_loopback", is_loopback},
      {"is_terminal", is_terminal},
      {"libraries", libraries},
      {"mask", mask},
      {"process", process},
      {"random_hex", random_hex},
      {"terminal_columns", terminal_columns},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
