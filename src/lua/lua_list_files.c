/* lua_list_files.c - which files a dataset has, for Lua */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dataset/files/folder.h"
#include "lua/skin.h"

struct listing {
  struct task task; /* first */
  char *input;
  struct folder folder;
};

static void run_listing(struct task *task) {
  struct listing *listing = (struct listing *)task;
  const char *const inputs[] = {listing->input, NULL};
  folder_list(&listing->folder, inputs, task, &task->error);
}

static void destroy_listing(struct task *task) {
  struct listing *listing = (struct listing *)task;
  folder_free(&listing->folder);
  free(listing->input);
  free(listing);
}

static const struct task_kind LISTING = {"listing", {NULL}, run_listing, NULL, destroy_listing};

/* Values that show whether a file is still the one that was listed. None for a pipe, or if the file
 * was removed. */
static void push_identity(lua_State *L, const char *path) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return;
  lua_pushnumber(L, (lua_Number)status.st_mtim.tv_sec + (lua_Number)status.st_mtim.tv_nsec / 1e9);
  lua_setfield(L, -2, "modified");
  skin_set_whole(L, "inode", (uint64_t)status.st_ino);
}

static int push_listing(lua_State *L, struct task *task) {
  const struct folder *folder = &((struct listing *)task)->folder;
  lua_createtable(L, (int)folder->count, 2);
  for (size_t i = 0; i < folder->count; i++) {
    lua_createtable(L, 0, 5);
    skin_set_string(L, "path", folder->files[i].path);
    skin_set_whole(L, "size", folder->files[i].size);
    skin_set_boolean(L, "found", folder->files[i].found);
    push_identity(L, folder->files[i].path);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_createtable(L, (int)folder->ignored_count, 0);
  for (size_t i = 0; i < folder->ignored_count; i++) {
    lua_pushstring(L, folder->ignored_paths[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "ignored_files");
  skin_set_whole(L, "ignored", folder->ignored);
  return 1;
}

static struct task *start_listing(const char *input, struct error *error) {
  struct listing *listing = calloc(1, sizeof *listing);
  if (listing) listing->input = strdup(input);
  if (!listing || !listing->input) {
    free(listing);
    error_memory(error, "listing %s", input);
    return NULL;
  }
  return task_launch(&listing->task, &LISTING, error);
}

/* core.list_files(input) -> task -> { { path, size, found, modified?, inode? }, ..., ignored,
 * ignored_files } | nil, err The files that an extraction or redaction of `input`, a file or a
 * folder, would read, by name; `found`: it was found in a folder; `ignored`: how many files in
 * folders have other names. */
static int list_files(lua_State *L) {
  const char *input = skin_path(L, 1, "core.list_files");
  struct task_box *box = task_box_new(L, push_listing);
  struct error error;
  return task_box_fill(L, box, start_listing(input, &error), &error);
}

/* core.folder_room(path) -> bytes | nil, err: how much this user may write into a folder; an error
 * if it is not a folder, or if nothing can be created in it */
static int folder_room(lua_State *L) {
  const char *path = skin_path(L, 1, "core.folder_room");
  struct statvfs system;
  struct stat status;
  struct error error;
  if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
    error_at(&error, ERROR_IO, path, 0, 0, "is not a folder - give another name");
    return skin_failure(L, &error);
  }
  if (access(path, W_OK | X_OK) != 0 || statvfs(path, &system) != 0) {
    error_errno(&error, "writing to the folder", path);
    return skin_failure(L, &error);
  }
  lua_pushnumber(L, (lua_Number)system.f_bavail * (lua_Number)system.f_frsize);
  return 1;
}

void list_files_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"folder_room", folder_room},
      {"list_files", list_files},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
