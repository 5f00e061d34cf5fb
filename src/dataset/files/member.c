/* member.c - see member.h */
#include "dataset/files/member.h"

#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/files/format.h"

enum { ROOM_OF_ALL = 64 << 20, ROOM_MIN = 4 << 20, ROOM_MAX = 32 << 20, ROOM_FIRST = 1 << 16 };

size_t member_room(unsigned jobs) {
  size_t room = ROOM_OF_ALL / jobs;
  return room < ROOM_MIN ? ROOM_MIN : room > ROOM_MAX ? ROOM_MAX : room;
}

static enum member_kind refuse(struct member *member, const char *why) {
  error_at(&member->problem, ERROR_DATA, member->path, 0, 0, "%s", why);
  return MEMBER_REFUSED;
}

/* Hidden files do not belong to a dataset; archives that a Mac has made are full of them. */
static bool is_dataset(const char *name) {
  const char *slash = strrchr(name, '/');
  return (slash ? slash[1] : name[0]) != '.' && format_is_dataset_name(name);
}

static enum member_kind kind_of(struct member *member, const char *name) {
  struct archive_entry *entry = member->entry;
  if (!name) return refuse(member, "the name of this member cannot be read - unpack the archive");
  if (archive_entry_filetype(entry) == AE_IFDIR) return MEMBER_FOLDER;
  if (container_of_name(name) != CONTAINER_NONE && archive_entry_filetype(entry) == AE_IFREG)
    return refuse(member, "is an archive in an archive, which is not read - unpack the outer one");
  if (!is_dataset(name)) return MEMBER_OTHER;
  if (archive_entry_hardlink(entry) && archive_entry_size(entry) > 0)
    return refuse(member, "is a link with content, which is not read - unpack the archive");
  if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG)
    return MEMBER_OTHER;
  if (archive_entry_is_data_encrypted(entry))
    return refuse(member, "is encrypted, which is not read - unpack the archive");
  return MEMBER_DATASET;
}

/* Messages must not contain control characters for a terminal. */
static void make_printable(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

/* Takes what is known of a member before its content. */
static bool identify(struct member *member, struct archive_entry *entry, struct error *error) {
  const char *name = archive_name(member->archive, entry);
  char *path;
  archive_entry_free(member->entry);
  free(member->path);
  member->path = NULL;
  member->entry = archive_entry_clone(entry);
  if (!member->entry ||
      asprintf(&path, "%s!%s", archive_in_path(member->archive), name ? name : "?") < 0)
    return error_memory(error, "reading %s", archive_in_path(member->archive));
  make_printable(path);
  member->path = path;
  member->kind = kind_of(member, name);
  return true;
}

static bool grow(struct member *member, size_t most) {
  size_t room = member->room ? 2 * member->room : ROOM_FIRST;
  unsigned char *bytes;
  if (room > most) room = most;
  bytes = realloc(member->bytes, room);
  if (!bytes) return false;
  member->bytes = bytes;
  member->room = room;
  return true;
}

/* Reads the member, or as much of it as there is room for. */
static bool fetch(struct member *member, size_t most, struct error *error) {
  while (!member->whole && member->size < most) {
    int64_t got;
    if (member->size == member->room && !grow(member, most))
      return error_memory(error, "reading %s", archive_in_path(member->archive));
    got = archive_in_read(member->archive, member->bytes + member->size,
                          member->room - member->size, error);
    if (got < 0) return false;
    member->size += (size_t)got;
    member->whole = got == 0;
  }
  return true;
}

enum turns_step member_take(struct member *member, struct archive_in *archive, uint64_t *number,
                            size_t room, bool others, struct error *error) {
  struct archive_entry *entry;
  enum archive_step step = archive_in_next(archive, &entry, error);
  if (step != ARCHIVE_MEMBER) return step == ARCHIVE_END ? TURNS_END : TURNS_FAILED;
  member->archive = archive;
  member->number = (*number)++;
  member->size = member->at = 0;
  member->whole = false;
  if (!identify(member, entry, error)) return TURNS_FAILED;
  if (member->kind != MEMBER_DATASET && !others) {
    member->whole = true;
  } else if (member->kind != MEMBER_REFUSED && !fetch(member, room, error)) {
    if (error->code != ERROR_DATA || error->file[0] != '\0') return TURNS_FAILED;
    refuse(member, error->message);
    member->kind = MEMBER_REFUSED;
  }
  return member->whole || member->kind == MEMBER_REFUSED ? TURNS_BESIDE : TURNS_ALONE;
}

int64_t member_read(struct member *member, void *to, size_t size, struct error *error) {
  size_t left = member->size - member->at;
  if (left == 0) return member->whole ? 0 : archive_in_read(member->archive, to, size, error);
  if (left > size) left = size;
  memcpy(to, member->bytes + member->at, left);
  member->at += left;
  return (int64_t)left;
}

static int64_t read_source(void *context, void *to, size_t size, struct error *error) {
  return member_read(context, to, size, error);
}

struct reader *member_open(struct member *member, struct task *task, struct error *error) {
  const struct reader_source source = {member->path, read_source, member};
  member->at = 0;
  return reader_open_source(&source, task, error);
}

void member_free(struct member *member) {
  archive_entry_free(member->entry);
  free(member->path);
  free(member->bytes);
}
