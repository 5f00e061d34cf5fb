/* json.h - where values lie in one JSON text
 *
 * A pull parser over one record's bytes. It checks the whole grammar of RFC 8259 - numbers,
 * escapes, literal names, control characters in strings - of everything that it passes, whether its
 * user looks at it or not; that strings are valid UTF-8 is not checked, as no promise of this
 * project rests on it. It makes no tree and allocates nothing: values are places in the text.
 *
 * A first stage finds the structural bytes (brackets, commas, colons, and the first byte of each
 * string, number and literal) of a piece of text with SSE2 masks, 64 bytes at a time; a portable
 * byte-by-byte twin of it, compiled in always, is what other machines use and what the fuzzers
 * compare it with. The second stage walks along those bytes.
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
 * every call is harmless and says that there is nothing more, so only the end needs a check.
 */
#ifndef XCOMPLIANCE_JSON_H
#define XCOMPLIANCE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  JSON_DEPTH_MAX = 512, /* brackets within brackets; more is a problem */
  JSON_PADDING = 64,    /* bytes that must be readable behind the text */
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

struct json {
  const char *text;
  size_t size;
  const char *problem; /* what was expected, or NULL; a constant string */
  size_t problem_at;   /* where: an offset in the text */
  size_t at;           /* the structural byte that the parser is at; `size` at the end */
  size_t separator;    /* the comma (or opening bracket) in front of the member or element that
                          json_member or json_element went to last; after either has returned
                          false: the closing bracket */
  /* private */
  uint32_t depth;
  uint64_t objects[JSON_DEPTH_MAX / 64 + 1]; /* one bit for each open bracket: is it a brace */
  const uint32_t *next, *end;                /* in `index`: where the parser is, what is known */
  size_t scanned;                            /* up to where the structure is known */
  uint64_t in_string, escaped, hex, run;     /* what one block hands to the next */
  bool first;                                /* behind an opening bracket */
  bool portable;                             /* by the twin of the SSE2 code */
  uint32_t index[JSON_WINDOW + 1];
};

/* Begins with the value in text[0 .. size); size is at most 2^31 and JSON_PADDING bytes behind it
 * can be read. White space around the value is allowed. */
void json_begin(struct json *json, const char *text, size_t size);

/* The same, by the portable twin of the first stage. */
void json_begin_portable(struct json *json, const char *text, size_t size);

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
 * byte behind it. */
size_t json_skip(struct json *json);

/* The offset of the byte behind the value passed last (by json_scalar, json_skip, or the end of
 * json_member or json_element). */
size_t json_end(const struct json *json);

/* Makes the value that the parser is at a problem; for users who want another here. */
void json_refuse(struct json *json, const char *problem);

/* Whether the value was whole and nothing but white space follows it. */
bool json_finish(struct json *json);

/* Whether `text` says `word`, escapes decoded. */
bool json_is(struct json_text text, const char *word);

/* Whether two texts say the same, escapes decoded. */
bool json_same(struct json_text one, struct json_text other);

/* Writes `text` with its escapes decoded to `to` (at most `limit` bytes; surrogates become UTF-8,
 * lone ones U+FFFD). Returns the decoded size, which may be more than `limit`. */
size_t json_decode(struct json_text text, char *to, size_t limit);

#endif
