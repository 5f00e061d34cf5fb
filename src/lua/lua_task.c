/* lua_task.c - the task handle, the same for all kinds
 *
 * A handle is a box that exists, with its metatable, before there is a task in it; one closer
 * serves close, __close and __gc. It cancels, wakes, joins and frees, in whatever state the task
 * is.
 */
#include <math.h>
#include <time.h>

#include "lua/skin.h"

static const char TASK_NAME[] = "xcompliance.task";

struct task_box {
  struct task *task; /* NULL before it is filled and after it is closed */
  task_push_result *push_result;
  task_push_result *push_so_far;                         /* or NULL */
  void (*add_to_error)(lua_State *L, struct task *task); /* or NULL */
};

struct task_box *task_box_new(lua_State *L, task_push_result *push_result) {
  struct task_box *box = compat_newuserdata(L, sizeof *box);
  box->task = NULL;
  box->push_result = push_result;
  box->push_so_far = NULL;
  box->add_to_error = NULL;
  luaL_setmetatable(L, TASK_NAME);
  return box;
}

int task_box_fill(lua_State *L, struct task_box *box, struct task *task,
                  const struct error *error) {
  if (!task) return skin_failure(L, error);
  box->task = task;
  return 1;
}

void task_box_explain(struct task_box *box, void (*add_to_error)(lua_State *L, struct task *task)) {
  box->add_to_error = add_to_error;
}

void task_box_watch(struct task_box *box, task_push_result *push_so_far) {
  box->push_so_far = push_so_far;
}

static struct task_box *check_box(lua_State *L) {
  return luaL_checkudata(L, 1, TASK_NAME);
}

static struct task *check_task(lua_State *L) {
  struct task_box *box = check_box(L);
  if (!box->task) skin_misuse(L, "attempt to use a closed task");
  if (!task_is_ours(box->task))
    skin_misuse(L, "this task belongs to another process - start one after the fork");
  return box->task;
}

/* task:close(): cancels what still runs, waits until it has stopped (milliseconds), frees all.
 * Closing twice is harmless. */
static int method_close(lua_State *L) {
  struct task_box *box = check_box(L);
  struct task *task = box->task;
  box->task = NULL;
  if (task) task_free(task);
  lua_pushboolean(L, 1);
  return 1;
}

/* task:cancel(): asks the work to stop; result() then says `nil, err` with the kind "cancelled",
 * unless the work ended first. */
static int method_cancel(lua_State *L) {
  task_cancel(check_task(L));
  lua_pushboolean(L, 1);
  return 1;
}

/* task:done() -> boolean: whether the work has ended, well or not. Never blocks. */
static int method_done(lua_State *L) {
  lua_pushboolean(L, task_ended(check_task(L)));
  return 1;
}

/* task:wait([seconds]) -> boolean: whether the work has ended. Blocks the calling thread for at
 * most `seconds`; event loops use task:fd(). */
static int method_wait(lua_State *L) {
  struct task *task = check_task(L);
  double seconds = luaL_optnumber(L, 2, HUGE_VAL);
  if (!(seconds >= 0)) skin_misuse(L, "task:wait: seconds must not be negative");
  lua_pushboolean(L, task_wait(task, seconds));
  return 1;
}

/* task:progress() -> table: counters by name, as whole numbers. */
static int method_progress(lua_State *L) {
  struct task *task = check_task(L);
  const char *const *names = task->kind->counters;
  lua_newtable(L);
  for (int i = 0; i < TASK_COUNTERS && names[i]; i++) {
    compat_pushwhole(L, task_counter(task, i));
    lua_setfield(L, -2, names[i]);
  }
  return 1;
}

/* task:fd() -> integer: a descriptor that becomes readable when the work has ended. It belongs to
 * the task: wait for it, read nothing from it, forget it before close(). Or nil, err if the process
 * has used up half of its descriptors: poll done() then. */
static int method_fd(lua_State *L) {
  struct error error;
  int descriptor = task_descriptor(check_task(L), &error);
  if (descriptor < 0) return skin_failure(L, &error);
  lua_pushinteger(L, descriptor);
  return 1;
}

/* task:so_far() -> the part of the result that is known while the work runs, or nil: see the
 * functions that return tasks. */
static int method_so_far(lua_State *L) {
  struct task *task = check_task(L);
  struct task_box *box = lua_touserdata(L, 1);
  if (box->push_so_far) return box->push_so_far(L, task);
  lua_pushnil(L);
  return 1;
}

/* task:result() -> what the kind of task promises, or nil, err. Misuse while the work runs. */
static int method_result(lua_State *L) {
  struct task *task = check_task(L);
  struct task_box *box = lua_touserdata(L, 1);
  if (!task_ended(task)) skin_misuse(L, "task:result: the %s still runs", task->kind->name);
  if (task->error.code == ERROR_NONE) return box->push_result(L, task);
  skin_failure(L, &task->error);
  if (box->add_to_error) box->add_to_error(L, task);
  return 2;
}

static int method_tostring(lua_State *L) {
  struct task_box *box = check_box(L);
  if (!box->task)
    lua_pushliteral(L, "task (closed)");
  else if (!task_is_ours(box->task))
    lua_pushliteral(L, "task (of another process)");
  else
    lua_pushfstring(L, "task (%s, %s)", box->task->kind->name,
                    task_ended(box->task) ? "ended" : "running");
  return 1;
}

/* core.now() -> seconds of a clock that never jumps; only differences mean anything. */
static int function_now(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
  return 1;
}

/* core.sleep(seconds): blocks the calling thread; a signal ends it early. */
static int function_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  struct timespec length;
  if (!(seconds >= 0 && seconds < 1e9)) skin_misuse(L, "core.sleep: not a number of seconds");
  length.tv_sec = (time_t)seconds;
  length.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
  nanosleep(&length, NULL);
  return 0;
}

/* core.give_way(): the threads of tasks and sessions that the calling thread starts from now on use
 * only idle processor time: for hosts whose own thread must stay responsive.
 */
static int function_give_way(lua_State *L) {
  (void)L;
  thread_give_way();
  return 0;
}

static const luaL_Reg methods[] = {
    {"cancel", method_cancel}, {"close", method_close},       {"done", method_done},
    {"fd", method_fd},         {"progress", method_progress}, {"result", method_result},
    {"so_far", method_so_far}, {"wait", method_wait},         {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", method_close},
    {"__close", method_close},
    {"__tostring", method_tostring},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"give_way", function_give_way},
    {"now", function_now},
    {"sleep", function_sleep},
    {NULL, NULL},
};

void task_open(lua_State *L) {
  skin_metatable(L, TASK_NAME, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
