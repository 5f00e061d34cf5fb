/* lua_file.c - files as transfers and journals need them
 *
 * Lua's io library can neither flush to the disk nor lock, nor open without following a link.
 * Operations that take long on a large file - a checksum, a flush - are tasks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "checksum.h"
#include "dataset/bytes/leftover.h"
#include "file.h"
#include "lua/skin.h"

static const char FILE_NAME[] = "xcompliance.file";

enum { CHECKSUM_BLOCK = 1 << 18, READ_ALL_MAX = 1 << 28 };

struct file_box *file_box_check(lua_State *L, int index, const char *function) {
  struct file_box *box = luaL_checkudata(L, index, FILE_NAME);
  if (box->descriptor < 0) skin_misuse(L, "%s: attempt to use a closed file", function);
  return box;
}

/* file:close() -> true: closes the descriptor; the file stays. Closing twice is harmless. */
static int method_close(lua_State *L) {
  struct file_box *box = luaL_checkudata(L, 1, FILE_NAME);
  if (box->descriptor >= 0) close(box->descriptor);
  box->descriptor = -1;
  free(box->path);
  box->path = NULL;
  lua_pushboolean(L, 1);
  return 1;
}

/* A host may collect the file without closing it. A child process removes only its own files. */
static int method_gc(lua_State *L) {
  struct file_box *box = luaL_checkudata(L, 1, FILE_NAME);
  if (box->descriptor >= 0 && box->maker == getpid()) unlink(box->path);
  return method_close(L);
}

static int method_tostring(lua_State *L) {
  struct file_box *box = luaL_checkudata(L, 1, FILE_NAME);
  if (box->descriptor < 0)
    lua_pushliteral(L, "file (closed)");
  else
    lua_pushfstring(L, "file (%s)", box->path);
  return 1;
}

/* {==================================================================
** Opening
** =================================================================== */

static struct file_box *new_box(lua_State *L) {
  struct file_box *box = compat_newuserdata(L, sizeof *box);
  box->descriptor = -1;
  box->path = NULL;
  box->maker = 0;
  luaL_setmetatable(L, FILE_NAME);
  return box;
}

static bool keep_path(struct file_box *box, const char *path, struct error *error) {
  box->path = strdup(path);
  if (!box->path) error_memory(error, "opening %s", path);
  return box->path != NULL;
}

/* core.open_source(path) -> file | nil, err: a regular file, to be read */
static int open_source(lua_State *L) {
  const char *path = skin_path(L, 1, "core.open_source");
  struct file_box *box = new_box(L);
  struct error error;
  box->descriptor = file_open(path, NULL, &error);
  if (box->descriptor < 0 || !keep_path(box, path, &error)) return skin_failure(L, &error);
  return 1;
}

/* core.create_beside(target [, keep]) -> file | nil, err: a new file beside `target`, under an
 * unpredictable name and of mode 0600, to be written and then published or discarded. One that is
 * collected as garbage before it was closed is removed, unless `keep` is true: only one run at a
 * time may keep files of a target, and those that earlier ones have left are removed. */
static int create_beside(lua_State *L) {
  const char *target = skin_path(L, 1, "core.create_beside");
  bool keep = lua_toboolean(L, 2);
  struct file_box *box = new_box(L);
  struct error error;
  if (keep) leftover_remove(target);
  box->descriptor = file_create_beside(target, &box->path, &error);
  if (box->descriptor < 0) return skin_failure(L, &error);
  if (!keep) box->maker = getpid();
  return 1;
}

/* core.create_fresh(target) -> file | nil, err: like create_beside; it also removes temporary files
 * that killed runs have left for this target */
static int create_fresh(lua_State *L) {
  const char *target = skin_path(L, 1, "core.create_fresh");
  struct file_box *box = new_box(L);
  struct error error;
  leftover_remove(target);
  box->descriptor = leftover_create_beside(target, &box->path, &error);
  if (box->descriptor < 0) return skin_failure(L, &error);
  box->maker = getpid();
  return 1;
}

/* Opens what must be a regular file of this user under exactly this name. */
static bool open_own(struct file_box *box, const char *path, int flags, struct error *error) {
  struct stat status;
  box->descriptor = open(path, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
  if (box->descriptor < 0 || fstat(box->descriptor, &status) != 0) {
    error_errno(error, "opening", path);
    return false;
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
    error_at(error, ERROR_IO, path, 0, 0, "is not a regular file of this user - move it away");
    return false;
  }
  return keep_path(box, path, error);
}

/* core.reopen(path) -> file | nil, err: a file that create_beside made, to be continued */
static int reopen(lua_State *L) {
  const char *path = skin_path(L, 1, "core.reopen");
  struct file_box *box = new_box(L);
  struct error error;
  if (!open_own(box, path, 0, &error)) return skin_failure(L, &error);
  return 1;
}

/* Whether the open file still has that name: its last holder may have removed it. */
static bool has_name(int descriptor, const char *path) {
  struct stat own, named;
  return fstat(descriptor, &own) == 0 && lstat(path, &named) == 0 && own.st_ino == named.st_ino &&
         own.st_dev == named.st_dev;
}

/* core.open_journal(path) -> file | nil, err: made if it is missing (mode 0600), appended to, and
 * locked for this process: err.kind is "conflict" while another holds it */
static int open_journal(lua_State *L) {
  const char *path = skin_path(L, 1, "core.open_journal");
  struct file_box *box = new_box(L);
  struct error error;
  if (!open_own(box, path, O_CREAT | O_APPEND, &error)) return skin_failure(L, &error);
  if (flock(box->descriptor, LOCK_EX | LOCK_NB) == 0) {
    if (has_name(box->descriptor, path)) return 1;
    error_at(&error, ERROR_CONFLICT, path, 0, 0, "another run has just ended - run it again");
  } else if (errno == EWOULDBLOCK)
    error_at(&error, ERROR_CONFLICT, path, 0, 0,
             "another run holds this journal - wait for it to end, or give this run its own "
             "`state`");
  else
    error_errno(&error, "locking", path);
  return skin_failure(L, &error);
}

/* core.file_mode(path) -> integer?: the permissions of a file, such as 384 (0600); nil if it is
   missing */
static int file_mode(lua_State *L) {
  struct stat status;
  if (stat(skin_path(L, 1, "core.file_mode"), &status) != 0) return 0;
  lua_pushinteger(L, status.st_mode & 07777);
  return 1;
}

/* core.make_folder(path) -> true | nil, err: of mode 0700, unless it is there already */
static int make_folder(lua_State *L) {
  const char *path = skin_path(L, 1, "core.make_folder");
  struct stat status;
  struct error error;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    error_creating(&error, "making the folder", path);
    return skin_failure(L, &error);
  }
  if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
    error_at(&error, ERROR_IO, path, 0, 0, "is not a folder - give another name");
    return skin_failure(L, &error);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* }================================================================== */

/* {==================================================================
** Small methods
** =================================================================== */

/* file:path() -> string */
static int method_path(lua_State *L) {
  lua_pushstring(L, file_box_check(L, 1, "file:path")->path);
  return 1;
}

/* file:stat() -> { size, modified, inode, device } | nil, err: bytes; seconds since 1970; and two
 * numbers that together identify the file */
static int method_stat(lua_State *L) {
  struct file_box *box = file_box_check(L, 1, "file:stat");
  struct stat status;
  struct error error;
  if (fstat(box->descriptor, &status) != 0) {
    error_errno(&error, "examining", box->path);
    return skin_failure(L, &error);
  }
  lua_createtable(L, 0, 4);
  skin_set_whole(L, "size", (uint64_t)status.st_size);
  lua_pushnumber(L, (lua_Number)status.st_mtim.tv_sec + (lua_Number)status.st_mtim.tv_nsec / 1e9);
  lua_setfield(L, -2, "modified");
  skin_set_whole(L, "inode", (uint64_t)status.st_ino);
  skin_set_whole(L, "device", (uint64_t)status.st_dev);
  return 1;
}

/* file:read_all() -> string | nil, err: the whole file; one larger than 256 MiB is refused */
static int method_read_all(lua_State *L) {
  struct file_box *box = file_box_check(L, 1, "file:read_all");
  struct stat status;
  struct error error;
  char *buffer;
  int64_t got;
  if (fstat(box->descriptor, &status) != 0) {
    error_errno(&error, "examining", box->path);
    return skin_failure(L, &error);
  }
  if (status.st_size > READ_ALL_MAX) {
    error_at(&error, ERROR_DATA, box->path, 0, 0, "is larger than 256 MiB");
    return skin_failure(L, &error);
  }
  buffer = compat_newuserdata(L, (size_t)status.st_size + 1);
  got = file_read(box->descriptor, buffer, (size_t)status.st_size, 0, box->path, &error);
  if (got < 0) return skin_failure(L, &error);
  lua_pushlstring(L, buffer, (size_t)got);
  return 1;
}

/* file:append(text) -> true | nil, err: on the disk when it returns */
static int method_append(lua_State *L) {
  struct file_box *box = file_box_check(L, 1, "file:append");
  struct error error;
  size_t size;
  const char *text = luaL_checklstring(L, 2, &size);
  if (!file_write(box->descriptor, text, size, box->path, &error)) return skin_failure(L, &error);
  if (fdatasync(box->descriptor) != 0) {
    error_errno(&error, "flushing", box->path);
    return skin_failure(L, &error);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* file:truncate(size) -> true | nil, err */
static int method_truncate(lua_State *L) {
  struct file_box *box = file_box_check(L, 1, "file:truncate");
  struct error error;
  double size = luaL_checknumber(L, 2);
  if (!(size >= 0 && size < 9e15)) skin_misuse(L, "file:truncate: not a size in bytes");
  if (ftruncate(box->descriptor, (off_t)size) != 0) {
    error_errno(&error, "truncating", box->path);
    return skin_failure(L, &error);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* file:discard() -> true: removes the file by its name and closes it */
static int method_discard(lua_State *L) {
  struct file_box *box = file_box_check(L, 1, "file:discard");
  unlink(box->path);
  return method_close(L);
}

/* }================================================================== */

/* {==================================================================
** Tasks
** =================================================================== */

enum { COUNT_BYTES, COUNT_TOTAL };

struct file_task {
  struct task task; /* first */
  int descriptor;
  char *path, *target;
  uint64_t length, bytes, lines;
  uint32_t crc32c;
  bool in_line; /* which is not blank so far */
};

static void file_task_destroy(struct task *task) {
  struct file_task *own = (struct file_task *)task;
  if (own->descriptor >= 0) close(own->descriptor);
  free(own->path);
  free(own->target);
  free(own);
}

static void count_lines(struct file_task *own, const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] == '\n') {
      own->lines += own->in_line;
      own->in_line = false;
    } else if (bytes[i] != '\r' && bytes[i] != ' ') {
      own->in_line = true;
    }
  }
}

static void run_checksum(struct task *task) {
  struct file_task *own = (struct file_task *)task;
  char *buffer = malloc(CHECKSUM_BLOCK);
  if (!buffer) {
    error_memory(&task->error, "summing %s", own->path);
    return;
  }
  while (own->bytes < own->length) {
    uint64_t left = own->length - own->bytes;
    int64_t got = file_read(own->descriptor, buffer, left < CHECKSUM_BLOCK ? left : CHECKSUM_BLOCK,
                            own->bytes, own->path, &task->error);
    if (got <= 0) break;
    own->crc32c = checksum_crc32c(own->crc32c, buffer, (size_t)got);
    count_lines(own, buffer, (size_t)got);
    own->bytes += (uint64_t)got;
    task_set(task, COUNT_BYTES, own->bytes);
    if (task_cancelled(task)) {
      error_set(&task->error, ERROR_CANCELLED, "summing %s was cancelled", own->path);
      break;
    }
  }
  free(buffer);
}

static void run_publish(struct task *task) {
  struct file_task *own = (struct file_task *)task;
  file_publish(own->descriptor, own->path, own->target, &task->error);
}

static const struct task_kind CHECKSUM = {
    "checksum", {"bytes", "total"}, run_checksum, NULL, file_task_destroy};
static const struct task_kind PUBLICATION = {
    "publication", {NULL}, run_publish, NULL, file_task_destroy};

/* Starts `own`, whose numbers are set, on the file; it may be NULL. */
static int start(lua_State *L, struct task_box *box, struct file_task *own,
                 const struct task_kind *kind, const struct file_box *file, const char *target) {
  struct error error;
  struct task *task = NULL;
  if (own) {
    own->path = strdup(file->path);
    own->target = target ? strdup(target) : NULL;
    own->descriptor = fcntl(file->descriptor, F_DUPFD_CLOEXEC, 0);
  }
  if (!own || !own->path || (target && !own->target))
    error_memory(&error, "working on %s", file->path);
  else if (own->descriptor < 0)
    error_errno(&error, "opening once more", file->path);
  else
    task = task_launch(&own->task, kind, &error), own = NULL;
  if (own) file_task_destroy(&own->task);
  return task_box_fill(L, box, task, &error);
}

static int push_checksum(lua_State *L, struct task *task) {
  struct file_task *own = (struct file_task *)task;
  char text[CHECKSUM_TEXT];
  checksum_format(own->crc32c, text);
  lua_createtable(L, 0, 3);
  skin_set_whole(L, "bytes", own->bytes);
  skin_set_whole(L, "lines", own->lines + own->in_line);
  skin_set_string(L, "crc32c", text);
  return 1;
}

/* file:checksum([length [, from, crc32c]]) -> task -> { bytes, lines, crc32c }: of the first
 * `length` bytes, or of all; blank lines are not counted. With `from`, the bytes before it are not
 * read again: `crc32c` is their sum, and `lines` counts only what is read. */
static int method_checksum(lua_State *L) {
  struct file_box *file = file_box_check(L, 1, "file:checksum");
  double length = luaL_optnumber(L, 2, 9e15), from = luaL_optnumber(L, 3, 0);
  const char *known = luaL_optstring(L, 4, "AAAAAA==");
  struct task_box *box;
  struct file_task *own;
  uint32_t crc32c;
  if (!(length >= 0 && length <= 9e15)) skin_misuse(L, "file:checksum: not a number of bytes");
  if (!(from >= 0 && from <= length)) skin_misuse(L, "file:checksum: cannot begin there");
  if (!checksum_read(known, &crc32c)) skin_misuse(L, "file:checksum: not a CRC32C in base64");
  box = task_box_new(L, push_checksum);
  own = calloc(1, sizeof *own);
  if (own) {
    own->length = (uint64_t)length;
    own->bytes = (uint64_t)from;
    own->crc32c = crc32c;
  }
  return start(L, box, own, &CHECKSUM, file, NULL);
}

/* file:publish(target) -> task -> true: flushes the file, renames it to `target`, flushes the
 * folder; if that fails, what was there before is still there */
static int method_publish(lua_State *L) {
  struct file_box *file = file_box_check(L, 1, "file:publish");
  const char *target = skin_path(L, 2, "file:publish");
  struct task_box *box = task_box_new(L, skin_push_true);
  return start(L, box, calloc(1, sizeof(struct file_task)), &PUBLICATION, file, target);
}

/* }================================================================== */

void file_functions_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"append", method_append},     {"checksum", method_checksum},
      {"close", method_close},       {"discard", method_discard},
      {"path", method_path},         {"publish", method_publish},
      {"read_all", method_read_all}, {"stat", method_stat},
      {"truncate", method_truncate}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
      {"__close", method_close},
      {"__gc", method_gc},
      {"__tostring", method_tostring},
      {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"create_beside", create_beside},
      {"create_fresh", create_fresh},
      {"file_mode", file_mode},
      {"make_folder", make_folder},
      {"open_journal", open_journal},
      {"open_source", open_source},
      {"reopen", reopen},
      {NULL, NULL},
  };
  skin_metatable(L, FILE_NAME, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
