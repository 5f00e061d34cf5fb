/* lua_redact.c - redaction of datasets, for Lua */
#include "checksum.h"
#include "dataset/redaction/redact.h"
#include "lua/skin.h"

enum { JOBS_MOST = 256 };

static const char *const REDACT_OPTIONS[] = {
    "allow_rounded",
    "checksums",
    "columns",
    "dry_run",
    "in_place",
    "inputs",
    "jobs",
    "level",
    "lists",
    "on_ignored",
    "on_malformed",
    "on_unknown",
    "on_unrecognised",
    "output",
    "policy",
    "quarantine",
    "rehydrate",
    "shape",
    "strict",
    "verdicts",
    NULL,
};

static const char *const SKIPS[] = {"stop", "skip", NULL};

static void push_counts(lua_State *L, const struct batch_counts *counts) {
  lua_createtable(L, 0, 12);
  skin_set_whole(L, "records", counts->records);
  skin_set_whole(L, "kept", counts->kept);
  skin_set_whole(L, "changed", counts->changed);
  skin_set_whole(L, "dropped", counts->dropped);
  skin_set_whole(L, "quarantined", counts->quarantined);
  skin_set_whole(L, "recognised", counts->recognised);
  skin_set_whole(L, "notices", counts->notices);
  skin_set_whole(L, "malformed", counts->malformed);
  skin_set_whole(L, "unrecognised", counts->unrecognised);
  skin_set_whole(L, "unparsed", counts->unparsed);
}

static void set_objects(lua_State *L, const struct judge_counts *objects) {
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    verdicts_push_facts(L, objects->objects[type]);
    lua_setfield(L, -2, verdicts_type_names[type]);
  }
}

static void set_checksum(lua_State *L, const char *name, uint32_t crc) {
  char text[CHECKSUM_TEXT];
  checksum_format(crc, text);
  skin_set_string(L, name, text);
}

static void push_file(lua_State *L, const struct redact_file_report *file, bool checksums) {
  push_counts(L, &file->counts);
  set_objects(L, &file->objects);
  skin_set_string(L, "path", file->path);
  if (file->target) {
    skin_set_string(L, "output", file->target);
  }
  skin_set_boolean(L, "written", file->written);
  skin_set_whole(L, "bytes", file->bytes);
  skin_set_whole(L, "output_bytes", file->output_bytes);
  if (!checksums) return;
  set_checksum(L, "crc32c", file->crc);
  set_checksum(L, "output_crc32c", file->output_crc);
}

/* Sets the field `members` of the table on top: the report on the members of an archive. */
static void set_members(lua_State *L, struct task *task, size_t file) {
  const struct redact_member_report *member;
  lua_newtable(L);
  for (size_t i = 0; (member = redact_member_report(task, file, i)); i++) {
    push_counts(L, &member->counts);
    skin_set_string(L, "path", member->path);
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "members");
}

static int push_redaction(lua_State *L, struct task *task) {
  const struct redact_report *report = redact_report(task);
  struct redact_file_report file;
  const char *path;
  push_counts(L, &report->counts);
  set_objects(L, &report->objects);
  skin_set_whole(L, "bytes", report->bytes);
  skin_set_whole(L, "output_bytes", report->output_bytes);
  skin_set_whole(L, "written", report->written);
  skin_set_whole(L, "rehydrate", report->rehydrate);
  skin_set_whole(L, "ignored", report->ignored);
  lua_newtable(L);
  for (int i = 0; redact_file_report(task, (size_t)i, &file); i++) {
    push_file(L, &file, redact_has_checksums(task));
    if (file.container != CONTAINER_NONE) set_members(L, task, (size_t)i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "files");
  lua_newtable(L);
  for (int i = 0; (path = redact_ignored(task, (size_t)i)); i++) {
    lua_pushstring(L, path);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "ignored_files");
  return 1;
}

/* A dry run may be combined with the options of the real run, and writes nothing. */
static void check_outputs(lua_State *L, const char *name, struct redact_options *options) {
  if (options->output && options->in_place)
    skin_misuse(L, "%s: give `output` or `in_place`, not both", name);
  if (!options->output && !options->in_place && !options->dry_run)
    skin_misuse(L, "%s: give `output`, `in_place` or `dry_run`", name);
  if (options->dry_run) options->output = NULL;
  if (options->dry_run) options->in_place = false;
  if (!options->quarantine && !options->dry_run &&
      (options->policy.quarantine || options->on_malformed == TREAT_QUARANTINE ||
       options->on_unrecognised == TREAT_QUARANTINE))
    skin_misuse(L, "%s: records would be quarantined, but `quarantine` is not given", name);
}

/* Everything but the verdicts. Leaves on the stack what holds the strings. */
static void read_redaction(lua_State *L, const char *name, struct redact_options *options) {
  skin_check_options(L, 1, name, REDACT_OPTIONS);
  options->output = skin_optional_string(L, 1, name, "output", NULL);
  options->in_place = skin_optional_boolean(L, 1, name, "in_place", false);
  options->dry_run = skin_optional_boolean(L, 1, name, "dry_run", false);
  options->quarantine = skin_optional_string(L, 1, name, "quarantine", NULL);
  options->rehydrate = skin_optional_string(L, 1, name, "rehydrate", NULL);
  options->on_malformed = skin_on_malformed(L, 1, name);
  options->on_unrecognised = skin_on_unrecognised(L, 1, name);
  options->stop_on_ignored = skin_optional_choice(L, 1, name, "on_ignored", 1, SKIPS) == 0;
  options->shape = skin_optional_string(L, 1, name, "shape", NULL);
  options->strict = skin_optional_boolean(L, 1, name, "strict", false);
  options->jobs = (unsigned)skin_optional_whole(L, 1, name, "jobs", 0, JOBS_MOST);
  options->level = (int)skin_optional_whole(L, 1, name, "level", 0, 9);
  options->checksums = skin_optional_boolean(L, 1, name, "checksums", false);
  options->list_type =
      (enum verdicts_type)skin_optional_choice(L, 1, name, "lists", 0, verdicts_type_names);
  skin_policy(L, 1, name, &options->policy);
  options->columns = skin_columns(L, 1, name);
  options->allow_rounded = skin_optional_boolean(L, 1, name, "allow_rounded", false);
  options->inputs = skin_inputs(L, 1, name);
  check_outputs(L, name, options);
}

/* core.check_redaction(options, name) -> true: raises the misuse that core.redact would, for the
 * function `name`; the options hold no verdicts yet */
static int check_redaction(lua_State *L) {
  struct redact_options options = {0};
  read_redaction(L, luaL_checkstring(L, 2), &options);
  lua_pushboolean(L, 1);
  return 1;
}

/* core.redact{ verdicts, inputs, output | in_place | dry_run, quarantine?, rehydrate?, policy?,
 * on_unknown?, on_malformed?, on_unrecognised?, on_ignored?, shape?, strict?, jobs?, level?,
 * checksums?, lists?, columns? } -> task -> { records, kept, changed, dropped, quarantined,
 * recognised, notices, malformed, unrecognised, unparsed, tweets, users, bytes, output_bytes,
 * written, rehydrate, ignored, ignored_files, files } | nil, err
 * Progress: bytes, total, records, changed, dropped, quarantined. See
 * dataset/redaction/redact.h. */
static int redact(lua_State *L) {
  static const char name[] = "dataset.redact";
  struct redact_options options = {0};
  struct task_box *box;
  struct task *task;
  struct error error;
  read_redaction(L, name, &options);
  options.verdicts = verdicts_field(L, name);
  box = task_box_new(L, push_redaction);
  task = redact_start(&options, &error);
  return task_box_fill(L, box, task, &error);
}

void redact_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"check_redaction", check_redaction},
      {"redact", redact},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
