/* json.h - finds the values of one JSON text
 *
 * A pull parser over one record's bytes. It checks the whole grammar of RFC 8259 - numbers,
 * escapes, literal names, control characters in strings - of everything that it passes, whether its
 * caller uses it or not. It does not check that strings are valid UTF-8, since nothing here depends
 * on it. It makes no tree and allocates nothing: values are places in the text.
 *
 * A first stage (json_scan.h) finds the structural bytes of a piece of text by masks of 64 bytes;
 * the second walks along those bytes.
 *
 *   json_begin(&json, text, size);
 *   if (json_type(&json) == JSON_OBJECT) {
 *     struct json_text key;
 *     json_enter(&json);
 *     while (json_member(&json, &key)) {
 *       if (json_is(key, "id")) id = json_scalar(&json); else json_skip(&json);
 *     }
 *   }
 *   if (!json_finish(&json)) ... json.problem, json.problem_at
 *
 * Every value must be entered, read or skipped before the next member is asked for. After a problem
 * every call is harmless and finds nothing more, so only the end needs a check.
 */
#ifndef XCOMPLIANCE_JSON_H
#define XCOMPLIANCE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes16.h"
#include "dataset/text/json_scan.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum {
  JSON_DEPTH_MAX = 512, /* brackets within brackets; more is a problem */
  JSON_PADDING = 64,    /* bytes that must be readable after the text */
  JSON_WINDOW = 4096,   /* bytes whose structure is found at a time */
};

enum json_type {
  JSON_NOTHING, /* a problem */
  JSON_OBJECT,
  JSON_ARRAY,
  JSON_STRING,
  JSON_NUMBER,
  JSON_TRUE,
  JSON_FALSE,
  JSON_NULL,
};

/* A string without its quotes, or a number or literal, as written. */
struct json_text {
  const char *text;
  size_t size;
  bool escaped; /* holds backslashes: see json_decode */
};

/* A place of the parser: it is at a structural byte. */
typedef const uint32_t *json_at;

struct json {
  const char *text;
  size_t size;
  const char *problem; /* what was expected, or NULL; a constant string */
  size_t problem_at;   /* where: an offset in the text */
  json_at at;          /* of the pull parser */
  json_at end;         /* after the last place of this window */
  uint32_t depth;      /* brackets that are open around it */
  bool first;          /* pull parser: after an opening bracket */
  struct task *task;   /* checked for cancellation between windows; NULL: never */
  enum json_scanner scanner;
  struct json_scan scan;
  size_t scanned; /* the end of the known structure */
  uint32_t index[JSON_WINDOW + JSON_SCAN_SLACK];
};

/* Begins with the value in text[0 .. size); size is at most 2^31 and JSON_PADDING bytes after it
 * can be read. White space around the value is allowed. `task` is NULL then, and may be set. */
void json_begin(struct json *json, const char *text, size_t size);

/* The same, with a first stage other than the best. */
void json_begin_with(struct json *json, enum json_scanner scanner, const char *text, size_t size);

/* The type of the value that the parser is at. */
enum json_type json_type(struct json *json);

/* Goes into the object or array that the parser is at. */
void json_enter(struct json *json);

/* Goes to the value of the next member of the object that the parser is in, with its key, or to the
 * next element of the array. False at its end (which is passed) and after a problem. */
bool json_member(struct json *json, struct json_text *key);
bool json_element(struct json *json);

/* Passes the string, number or literal that the parser is at, and gives it. A string comes without
 * its quotes. */
struct json_text json_scalar(struct json *json);

/* Passes the value that the parser is at, whatever it is, checking it. Returns the offset of the
 * byte after it. */
size_t json_skip(struct json *json);

/* The offset of the byte after the value that was passed last. */
size_t json_end(const struct json *json);

/* Whether the value was whole and nothing but white space follows it. */
bool json_finish(struct json *json);

/* Whether `text` says `word`, escapes decoded. */
bool json_is(struct json_text text, const char *word);

/* Whether two texts say the same, escapes decoded. */
bool json_same(struct json_text one, struct json_text other);

/* Writes `text` with its escapes decoded to `to` (at most `limit` bytes; surrogates become UTF-8,
 * lone ones U+FFFD). Returns the decoded size, which may be more than `limit`. */
size_t json_decode(struct json_text text, char *to, size_t limit);

/* {====================================================================
 * Cursors, for callers that need the last bit of speed
 *
 * The pull parser keeps its place in memory, where each step waits for the step before. Here the
 * place is a value that lives in a register: every function takes it and returns the next one.
 * After a problem all of them go to the end of the text and stay there.
 *
 *   at = json_open(json, at);
 *   for (bool more = json_first(json, &at, '}'); more; more = json_next(json, &at, '}'))
 *     at = json_pass(json, json_key(json, at, &key));
 * ===================================================================== */

/* The next window, when all places of this one are passed. */
json_at json_refill(struct json *json);
/* Notes a problem at a place, and goes to the end. */
json_at json_fail(struct json *json, json_at at, const char *problem);

/* The byte at a place; zero at the end of the text. */
static inline char json_byte(const struct json *json, json_at at) {
  return *at < json->size ? json->text[*at] : '\0';
}

static inline json_at json_step(struct json *json, json_at at) {
  return ++at < json->end ? at : json_refill(json);
}

/* Goes into the bracket at a place. */
static inline json_at json_open(struct json *json, json_at at) {
  if (++json->depth > JSON_DEPTH_MAX)
    return json_fail(json, at, "brackets are nested more than 512 deep");
  return json_step(json, at);
}

/* Leaves the bracket that ends at `*at`. */
static inline bool json_close(struct json *json, json_at *at) {
  json->depth--;
  *at = json_step(json, *at);
  return false;
}

/* After an opening bracket: whether there is an item. If not, goes after the closing one. */
static inline bool json_first(struct json *json, json_at *at, char close) {
  return json_byte(json, *at) != close || json_close(json, at);
}

/* After an item: goes to the next, or after the closing bracket and returns false. */
static inline bool json_next(struct json *json, json_at *at, char close) {
  char c = json_byte(json, *at);
  if (c == ',') {
    *at = json_step(json, *at);
    return true;
  }
  if (c == close) return json_close(json, at);
  *at = json_fail(json, *at,
                  close == '}' ? "a comma or } was expected" : "a comma or ] was expected");
  return false;
}

/* The offset of the byte after the value that was passed last. */
static inline size_t json_end_at(const struct json *json, json_at at) {
  size_t end = *at;
  while (end > 0 && (unsigned char)json->text[end - 1] <= ' ')
    end--;
  return end;
}

/* Whether a text holds a backslash. JSON_PADDING bytes after it can be read. */
static inline bool json_has_escape(const char *text, size_t size) {
#if BYTES16
  if (__builtin_expect(size <= 32, 1)) {
    bytes16 low = bytes16_equal(bytes16_at(text), '\\');
    bytes16 high = bytes16_equal(bytes16_at(text + 16), '\\');
    return bytes16_bits(low, high, bytes16_of(0), bytes16_of(0)) & (((uint64_t)1 << size) - 1);
  }
#endif
  return memchr(text, '\\', size) != NULL;
}

/* Passes a key and its colon. `escaped` is not set: most users know a key when they see it. */
static inline json_at json_key(struct json *json, json_at at, struct json_text *key) {
  const char *start = json->text + *at;
  *key = (struct json_text){json->text, 0, false};
  if (at + 2 < json->end && *start == '"' && json->text[at[1]] == ':') {
    at++; /* so far from the end of the window neither place was the end of the text */
  } else {
    if (json_byte(json, at) != '"') return json_fail(json, at, "a key was expected");
    at = json_step(json, at);
    if (json_byte(json, at) != ':') return json_fail(json, at, "a colon was expected");
  }
  key->text = start + 1;
  key->size = (size_t)(json->text + json_end_at(json, at) - start) - 2;
  return json_step(json, at);
}

/* Passes a value, checking all of it. Most are strings. */
json_at json_pass_any(struct json *json, json_at at);

static inline json_at json_pass(struct json *json, json_at at) {
  return json_byte(json, at) == '"' ? json_step(json, at) : json_pass_any(json, at);
}

/* Passes a string, number or literal, and gives it. */
json_at json_take(struct json *json, json_at at, struct json_text *text);

/* The type of a value by its first byte; anything that begins none is JSON_NUMBER, and a problem
 * when it is passed. */
static inline enum json_type json_type_at(const struct json *json, json_at at) {
  switch (json_byte(json, at)) {
  case '{': return JSON_OBJECT;
  case '[': return JSON_ARRAY;
  case '"': return JSON_STRING;
  case 't': return JSON_TRUE;
  case 'f': return JSON_FALSE;
  case 'n': return JSON_NULL;
  default: return JSON_NUMBER;
  }
}

/* }==================================================================== */

#pragma GCC visibility pop

#endif
