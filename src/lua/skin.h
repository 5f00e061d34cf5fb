/* skin.h - what the files that speak Lua share
 *
 * Each lua_*.c adds its functions to the module's table by one function `NAME_open(L)`, called by
 * luaopen_xcompliance_core with that table on top of the stack.
 */
#ifndef XCOMPLIANCE_SKIN_H
#define XCOMPLIANCE_SKIN_H

#include "dataset/redaction/batch.h"
#include "error.h"
#include "lua/compat.h"
#include "task.h"

#pragma GCC visibility push(hidden)

void skin_open(lua_State *L);
void task_open(lua_State *L);
void system_open(lua_State *L);
void file_functions_open(lua_State *L);
void session_open(lua_State *L);
void api_calls_open(lua_State *L);
void transfers_open(lua_State *L);
void extract_open(lua_State *L);
void shapes_open(lua_State *L);
void verdicts_open(lua_State *L);
void redact_open(lua_State *L);
void list_files_open(lua_State *L);
void names_open(lua_State *L);
void id_lines_open(lua_State *L);
void id_difference_open(lua_State *L);

/* Makes the metatable `name`: methods, then metamethods (both NULL-ended; either may be NULL). */
void skin_metatable(lua_State *L, const char *name, const luaL_Reg *methods,
                    const luaL_Reg *metamethods);

/* Pushes nil and an error table (kind, message, file?, line?, byte?, retryable), and returns 2. */
int skin_failure(lua_State *L, const struct error *error);

/* Pushes the error table alone. */
void skin_push_error(lua_State *L, const struct error *error);

/* Set a field of the table on top of the stack. A string that is NULL leaves the field out. */
void skin_set_whole(lua_State *L, const char *field, uint64_t value);
void skin_set_string(lua_State *L, const char *field, const char *text);
void skin_set_boolean(lua_State *L, const char *field, bool value);

/* Raises an error table of the kind "usage": the caller misused a function. */
int skin_misuse(lua_State *L, const char *format, ...);

/* Raises misuse unless every key of the table at `index` is one of `known` (NULL-ended). `function`
 * is named in the message. */
void skin_check_options(lua_State *L, int index, const char *function, const char *const *known);

/* The path at `index`: a string, neither empty nor with a NUL byte in it. */
const char *skin_path(lua_State *L, int index, const char *function);

/* Fields of an options table, each with a check of its type. The optional ones return their default
 * if the field is nil. The strings live as long as the table holds them. */
const char *skin_string(lua_State *L, int index, const char *function, const char *field);
const char *skin_optional_string(lua_State *L, int index, const char *function, const char *field,
                                 const char *otherwise);
bool skin_optional_boolean(lua_State *L, int index, const char *function, const char *field,
                           bool otherwise);
/* A number from `least` to `most`; NaN is refused. */
double skin_optional_number(lua_State *L, int index, const char *function, const char *field,
                            double otherwise, double least, double most);
/* The same, and whole. At most 2^53. */
uint64_t skin_optional_whole(lua_State *L, int index, const char *function, const char *field,
                             uint64_t otherwise, uint64_t most);
/* One of `choices` (NULL-ended); returns its place. */
int skin_optional_choice(lua_State *L, int index, const char *function, const char *field,
                         int otherwise, const char *const *choices);

/* An array without holes of at most `most` strings without control characters; fills `list` (of
 * most + 1), which it ends by NULL, and returns their number; 0 if the field is nil. */
int skin_optional_list(lua_State *L, int index, const char *function, const char *field,
                       const char **list, int most);

/* An array of paths, NULL-ended, in a userdata that is left on the stack; NULL if the field is nil.
 * The table holds the strings. */
const char *const *skin_paths(lua_State *L, int index, const char *function, const char *field);

/* The paths of `inputs`, at least one. */
const char *const *skin_inputs(lua_State *L, int index, const char *function);

/* The id at `index`, a string. */
uint64_t skin_id(lua_State *L, int index, const char *function);

/* Raises unless the bearer token can be sent. */
void skin_check_token(lua_State *L, const char *function, const char *token);

/* Pushes a task handle that owns no task yet: one that is made before its task, so that no task is
 * lost if Lua raises. `push_result` pushes what task:result() returns of a task that has ended
 * without an error, and returns how many values. */
typedef int task_push_result(lua_State *L, struct task *task);
struct task_box;
struct task_box *task_box_new(lua_State *L, task_push_result *push_result);

/* Puts `task` into the box on top of the stack and returns 1, for the handle; or, if `task` is
 * NULL, returns nil, err. */
int task_box_fill(lua_State *L, struct task_box *box, struct task *task, const struct error *error);

/* The `push_result` of tasks whose result is true. */
int skin_push_true(lua_State *L, struct task *task);

/* Has `add_to_error` add fields to the error table of a failed task, which is on top of the stack.
 */
void task_box_explain(struct task_box *box, void (*add_to_error)(lua_State *L, struct task *task));

/* Has `push_so_far` push the one value that task:so_far() returns, also while the task runs. */
void task_box_watch(struct task_box *box, task_push_result *push_so_far);

/* The core file at `index` (lua_file.c). Raises if it is not one, or closed. */
struct file_box {
  int descriptor; /* -1: closed */
  char *path;
  pid_t maker; /* the process that removes the file when it drops it; 0: none */
};
struct file_box *file_box_check(lua_State *L, int index, const char *function);

/* What the files that start transfers share (lua_session.c). */
struct transfer;
struct transfer_options;

/* Starts a transfer on the session at `session_index` and pushes its handle; or returns nil, err.
 * `push_so_far` may be NULL. */
int session_run(lua_State *L, int session_index, const struct transfer_options *options,
                task_push_result *push_result, task_push_result *push_so_far);

/* Pushes the text masked by url_mask. `token` may be NULL. */
void session_push_masked(lua_State *L, const char *text, size_t size, const char *token);

/* The `push_result` of exchanges: pushes the answer as received: { status, headers, body, doing,
 * where }. Headers have lower-case names; lines of one name are joined by ", ". `doing` is the
 * transfer's, `where` its URL without the query. */
int session_push_answer(lua_State *L, struct task *task);

struct column_name;
/* The option `columns`, a table of names, or of arrays of names, by roles (dataset/text/columns.h):
 * a list in a userdata that is left on the stack with the table; NULL if it is nil. */
const struct column_name *skin_columns(lua_State *L, int index, const char *name);

/* Options about findings in records (dataset/redaction/batch.h): the policy with `on_unknown`, and
 * `on_malformed` and `on_unrecognised`. */
void skin_default_policy(struct policy *policy);
void skin_policy(lua_State *L, int index, const char *name, struct policy *policy);
enum treatment skin_on_malformed(lua_State *L, int index, const char *name);
enum treatment skin_on_unrecognised(lua_State *L, int index, const char *name);

/* The core verdicts at `index` (lua_verdicts.c). Raises if they are closed. The redactors are those
 * for the options that were used last, the latest first (lua_redactor.c). */
enum { VERDICTS_REDACTORS = 4 };
struct verdicts_box {
  struct verdicts *verdicts; /* NULL before it is filled and after it is closed */
  struct redactor *redactors[VERDICTS_REDACTORS];
};
struct verdicts_box *verdicts_box_check(lua_State *L, int index);

/* The verdicts in the field `verdicts` of the options at 1, which is left on the stack. */
struct verdicts *verdicts_field(lua_State *L, const char *function);

/* Pushes { delete = { deleted = n, ... }, unknown = n, scrub_geo = n, rehydrate = n, invalid = n },
 * without what is 0. */
void verdicts_push_facts(lua_State *L, const uint64_t by_fact[FACT_KINDS]);

extern const char *const verdicts_type_names[]; /* by enum verdicts_type, NULL-ended */

/* Methods of verdicts (lua_redactor.c). */
int verdicts_redact(lua_State *L);
int verdicts_judge(lua_State *L);

#pragma GCC visibility pop

#endif
