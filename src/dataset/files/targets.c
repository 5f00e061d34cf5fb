/* targets.c - see targets.h */
#include "dataset/files/targets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/bytes/container.h"
#include "dataset/files/folder.h"
#include "dataset/files/format.h"
#include "file.h"
#include "memory.h"

/* Whether a folder is there. False with `error` filled if that cannot be found out. */
static bool look(const char *path, bool *folder, struct error *error) {
  struct stat status;
  int there = file_look(path, &status, error);
  *folder = there > 0 && S_ISDIR(status.st_mode);
  return there >= 0;
}

static bool is_stream(const char *path) {
  return strcmp(path, "-") == 0;
}

static bool ends_in_slash(const char *path) {
  size_t size = strlen(path);
  return size > 0 && path[size - 1] == '/';
}

static char *join(const char *folder, const char *name) {
  char *path;
  return asprintf(&path, "%s%s%s", folder, ends_in_slash(folder) ? "" : "/", name) < 0 ? NULL
                                                                                       : path;
}

/* {==================================================================
** Names
** =================================================================== */

/* The last part of the path of an input, as it is called in the output. NULL: no memory. */
static char *name_of(const char *path) {
  char real[PATH_MAX] = "";
  const char *end = path + strlen(path), *start;
  while (end > path + 1 && end[-1] == '/')
    end--;
  for (start = end; start > path && start[-1] != '/';)
    start--;
  if ((end - start == 1 && start[0] == '.') || (end - start == 2 && strncmp(start, "..", 2) == 0)) {
    if (!realpath(path, real)) return strdup("data");
    start = strrchr(real, '/') + 1;
    end = real + strlen(real);
  }
  return strndup(start, (size_t)(end - start));
}

/* How inputs map to the names below one output path. */
struct mapping {
  const char *path; /* NULL: nothing is written */
  bool folder;      /* outputs are in it; else it is the output */
  bool from_folder; /* an input is a folder */
  bool prefixed;    /* those of a folder are in one that has its name */
};

/* Where a file goes that is the input `root`, or was found in it. NULL for nowhere, and without
 * memory. */
static char *map(const struct mapping *mapping, const char *root, const struct folder_file *file) {
  const char *path = file->path;
  char *name, *prefix, *mapped;
  if (!mapping->path) return NULL;
  if (!mapping->folder) return strdup(mapping->path);
  if (!file->found) {
    name = name_of(path);
    mapped = name ? join(mapping->path, name) : NULL;
    free(name);
    return mapped;
  }
  path += strlen(root);
  while (*path == '/')
    path++;
  if (!mapping->prefixed) return join(mapping->path, path);
  name = name_of(root);
  prefix = name ? join(mapping->path, name) : NULL;
  mapped = prefix ? join(prefix, path) : NULL;
  free(name);
  free(prefix);
  return mapped;
}

/* The quarantine of an archive is not an archive, so in a folder it has another name. Takes
 * ownership of `mapped`. */
static char *with_format(char *mapped, const char *path, const struct mapping *mapping) {
  char *named;
  if (!mapped || !mapping->folder || container_of_name(path) == CONTAINER_NONE) return mapped;
  if (asprintf(&named, "%s.jsonl", mapped) < 0) named = NULL;
  free(mapped);
  return named;
}

static bool find_mapping(struct mapping *mapping, const char *path, const char *const *inputs,
                         bool single_file, struct error *error) {
  size_t count = 0;
  bool folder;
  *mapping = (struct mapping){.path = path};
  for (; inputs[count]; count++) {
    if (is_stream(inputs[count])) continue;
    if (!look(inputs[count], &folder, error)) return false;
    mapping->from_folder = mapping->from_folder || folder;
  }
  mapping->prefixed = count > 1;
  if (!path || is_stream(path)) return true;
  if (!look(path, &folder, error)) return false;
  mapping->folder =
      folder || ends_in_slash(path) ||
      ((count > 1 || mapping->from_folder) && !(single_file && format_is_known_name(path)));
  return true;
}

/* }================================================================== */

/* {==================================================================
** The list
** =================================================================== */

static bool add(struct targets *targets, const struct folder_file *file,
                const struct targets_options *options, const struct mapping *output,
                const struct mapping *quarantine, const char *root, struct error *error) {
  struct target *target;
  if (!memory_reserve(&targets->list, &targets->room, targets->count + 1, sizeof *targets->list))
    return error_memory(error, "listing files");
  target = &targets->list[targets->count++];
  target->size = file->size;
  target->found = file->found;
  target->path = strdup(file->path);
  target->output = options->in_place ? realpath(file->path, NULL) : map(output, root, file);
  target->quarantine = with_format(map(quarantine, root, file), file->path, quarantine);
  if (options->in_place && !target->output) {
    error_errno(error, "finding", file->path);
    return false;
  }
  return (target->path && (target->output || !output->path) &&
          (target->quarantine || !quarantine->path)) ||
         error_memory(error, "listing files");
}

static bool take_ignored(struct targets *targets, struct folder *folder) {
  size_t count = targets->ignored_count + folder->ignored_count;
  char **paths;
  targets->ignored += folder->ignored;
  if (folder->ignored_count == 0) return true;
  paths = realloc(targets->ignored_paths, count * sizeof *paths);
  if (!paths) return false;
  targets->ignored_paths = paths;
  for (size_t i = 0; i < folder->ignored_count; i++)
    paths[targets->ignored_count++] = folder->ignored_paths[i];
  folder->ignored_count = 0; /* the paths are ours now */
  return true;
}

static bool list_input(struct targets *targets, const char *input,
                       const struct targets_options *options, const struct mapping *output,
                       const struct mapping *quarantine, struct task *task, struct error *error) {
  const char *const inputs[] = {input, NULL};
  struct folder folder = {0};
  bool ok = folder_list(&folder, inputs, task, error);
  if (ok && !take_ignored(targets, &folder)) ok = error_memory(error, "listing files");
  for (size_t i = 0; ok && i < folder.count; i++)
    ok = add(targets, &folder.files[i], options, output, quarantine, input, error);
  targets->total += folder.total;
  folder_free(&folder);
  return ok;
}

/* }================================================================== */

/* {==================================================================
** What is refused
** =================================================================== */

static bool refuse(struct error *error, const char *path, const char *why) {
  error_at(error, ERROR_USAGE, path, 0, 0, "%s", why);
  return false;
}

static bool streams_fit(const struct targets_options *options, const struct mapping *output,
                        struct error *error) {
  for (const char *const *input = options->inputs; *input; input++) {
    if (!is_stream(*input)) continue;
    if (options->in_place) return refuse(error, "standard input", "cannot be changed in place");
    if (output->path && (output->folder || options->inputs[1]))
      return refuse(error, "standard input", "must be the only input, and needs a file as output");
  }
  if (output->path && is_stream(output->path) && (options->inputs[1] || output->from_folder))
    return refuse(error, "standard output", "takes one file only - give a folder as output");
  return true;
}

/* }================================================================== */

bool targets_find(struct targets *targets, const struct targets_options *options, struct task *task,
                  struct error *error) {
  struct mapping output, quarantine;
  if (!find_mapping(&output, options->output, options->inputs, false, error) ||
      !find_mapping(&quarantine, options->quarantine, options->inputs, true, error) ||
      !streams_fit(options, &output, error))
    return false;
  for (const char *const *input = options->inputs; *input; input++)
    if (!list_input(targets, *input, options, &output, &quarantine, task, error)) return false;
  /* a file that became a folder meanwhile */
  if (output.path && !output.folder && targets->count > 1)
    return refuse(error, output.path, "takes one file only - give a folder as output");
  targets->output_folder = output.folder;
  targets->one_quarantine = quarantine.path && !quarantine.folder;
  return true;
}

bool targets_ignore(struct targets *targets, const char *path, struct error *error) {
  struct folder folder = {0};
  bool ok = true;
  targets->ignored++;
  if (targets->ignored_count >= FOLDER_IGNORED_MAX) return true;
  ok = folder_ignore(&folder, path, error);
  targets->ignored -= folder.ignored;
  if (ok && !take_ignored(targets, &folder)) ok = error_memory(error, "listing files");
  folder_free(&folder);
  return ok;
}

/* Room for one more folder, and its name there. */
static bool note_folder(struct targets *targets, const char *path, struct error *error) {
  if (!memory_reserve(&targets->folders, &targets->folder_room, targets->folder_count + 1,
                      sizeof *targets->folders))
    return error_memory(error, "listing files");
  targets->folders[targets->folder_count] = strdup(path);
  return targets->folders[targets->folder_count] != NULL || error_memory(error, "listing files");
}

bool targets_make_folder(struct targets *targets, const char *path, struct error *error) {
  char part[PATH_MAX];
  struct stat status;
  size_t size = strlen(path);
  if (size >= sizeof part) return refuse(error, path, "the path is too long");
  memcpy(part, path, size + 1);
  for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (stat(part, &status) != 0 || !S_ISDIR(status.st_mode)) {
      if (!note_folder(targets, part, error)) return false;
      if (mkdir(part, 0777) != 0) {
        error_creating(error, "creating the folder", part);
        free(targets->folders[targets->folder_count]);
        return false;
      }
      targets->folder_count++;
    }
    *slash = '/';
  }
  return true;
}

void targets_remove_folders(struct targets *targets) {
  for (size_t i = targets->folder_count; i-- > 0;)
    rmdir(targets->folders[i]);
}

void targets_free(struct targets *targets) {
  for (size_t i = 0; i < targets->count; i++) {
    free(targets->list[i].path);
    free(targets->list[i].output);
    free(targets->list[i].quarantine);
  }
  for (size_t i = 0; i < targets->ignored_count; i++)
    free(targets->ignored_paths[i]);
  for (size_t i = 0; i < targets->folder_count; i++)
    free(targets->folders[i]);
  free(targets->list);
  free(targets->ignored_paths);
  free(targets->folders);
}
