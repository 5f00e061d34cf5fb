/* json_cut.c - see json_cut.h */
#include "dataset/bytes/json_cut.h"

#include <stdint.h>

#include "characters.h"

enum {
  SEGMENT = 1 << 20, /* bytes between checks for cancellation */
  ASSIGNMENT_MAX = 256,
};

const char JSON_CUT_OUTSIDE[] = "a comma or bracket out of place - a JSON value was expected";
const char JSON_CUT_INSIDE[] =
    "out of place - an element, a comma or the end of the array was expected";

static bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || c == '.';
}

size_t json_cut_assignment(const char *text, size_t size) {
  size_t at = 0;
  if (size > ASSIGNMENT_MAX) size = ASSIGNMENT_MAX;
  if (size > 0 && (text[0] == '.' || (text[0] >= '0' && text[0] <= '9'))) return 0;
  while (at < size && is_of_name(text[at]))
    at++;
  if (at == 0) return 0;
  while (at < size && is_white(text[at]))
    at++;
  if (at == size || text[at++] != '=') return 0;
  while (at < size && is_white(text[at]))
    at++;
  return at < size && (text[at] == '[' || text[at] == '{') ? at : 0;
}

bool json_cut_between(enum json_place *place, const char **at, const char *end) {
  for (; *at < end; ++*at) {
    char c = **at;
    if (is_white(c)) continue;
    if (*place == JSON_OUTSIDE && c == '[')
      *place = JSON_AFTER_OPEN;
    else if ((*place == JSON_AFTER_ELEMENT || *place == JSON_AFTER_OPEN) && c == ']')
      *place = JSON_OUTSIDE;
    else if (*place == JSON_AFTER_ELEMENT && c == ',')
      *place = JSON_AFTER_COMMA;
    else
      return *place != JSON_AFTER_ELEMENT && c != ',' && c != ']';
  }
  return true;
}

/* What is open where the scan of a value is. */
struct scan {
  uint64_t depth;
  bool in_string, escaped;
};

/* Passes the rest of a string; returns `end` if it does not end before. */
static const char *pass_string(struct scan *scan, const char *at, const char *end) {
  while (at < end) {
    char c = *at++;
    if (scan->escaped) {
      scan->escaped = false;
    } else if (c == '\\') {
      scan->escaped = true;
    } else if (c == '"') {
      scan->in_string = false;
      return at;
    }
  }
  return end;
}

/* Passes bytes of the value that begins at `start`. Returns where it ends, or NULL if that is not
 * before `end`. */
static const char *pass(struct scan *scan, const char *start, const char *at, const char *end) {
  while (at < end) {
    char c = *at;
    if (scan->in_string) {
      at = pass_string(scan, at, end);
      if (!scan->in_string && scan->depth == 0) return at;
      continue;
    }
    if (c == '"') {
      scan->in_string = true;
    } else if (c == '{' || c == '[') {
      scan->depth++;
    } else if (c == '}' || c == ']') {
      if (scan->depth == 0) return at > start ? at : at + 1; /* after a number, or out of place */
      if (--scan->depth == 0) return at + 1;
    } else if (scan->depth == 0 && (c == ',' || is_white(c))) {
      return at > start ? at : at + 1;
    }
    at++;
  }
  return NULL;
}

const char *json_cut_value(const char *start, const char *end, bool ended, struct task *task) {
  struct scan scan = {0};
  for (const char *at = start; at < end;) {
    const char *stop = end - at > SEGMENT ? at + SEGMENT : end;
    const char *after = pass(&scan, start, at, stop);
    if (after) return after;
    if (task && task_cancelled(task)) return NULL;
    at = stop;
  }
  return ended && scan.depth == 0 && !scan.in_string ? end : NULL;
}
