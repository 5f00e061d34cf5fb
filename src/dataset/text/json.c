/* json.c - see json.h
 *
 * The first stage (json_scan.h) finds the structural bytes of a window of the text; this is the
 * second, which walks along them and knows the grammar. It never looks into a string. The last
 * offset is always that of the end of the text, so that the parser always has a place.
 */
#include "dataset/text/json.h"

#include <string.h>

#include "characters.h"

static const char CONTROL[] = "a control character - these must be written as escapes";
static const char ESCAPE[] = "an escape that JSON does not have";
static const char UNCLOSED[] = "the text ends within a string";
static const char PARSING_CANCELLED[] = "the parsing was cancelled";

static void fail(struct json *json, const char *problem, size_t at) {
  if (json->problem) return;
  json->problem = problem;
  json->problem_at = at;
}

/* Finds the structure of the next window. At the end of the text it is only that end. */
static void scan_window(struct json *json) {
  size_t end = json->size - json->scanned > JSON_WINDOW ? json->scanned + JSON_WINDOW : json->size;
  size_t bad;
  uint32_t *index =
      json_scan(json->scanner, &json->scan, json->text, json->scanned, end, json->index, &bad);
  if (bad < end)
    fail(json, (unsigned char)json->text[bad] < ' ' ? CONTROL : ESCAPE, bad);
  else if (end == json->size && json->scan.in_string)
    fail(json, UNCLOSED, json->size);
  json->scanned = end;
  if (json->problem) index = json->index;
  if (json->problem || end == json->size) *index++ = (uint32_t)json->size;
  json->end = index;
}

json_at json_refill(struct json *json) {
  if (json->task && task_cancelled(json->task)) {
    fail(json, PARSING_CANCELLED, json->scanned);
    json->scanned = json->size;
  }
  do
    scan_window(json);
  while (json->end == json->index); /* a window in the middle of a long string */
  return json->index;
}

json_at json_fail(struct json *json, json_at at, const char *problem) {
  fail(json, *at < json->size ? problem : "the text ends too early", *at);
  json->scanned = json->size;
  return json_refill(json);
}

/* Numbers and literals */

static const char *digits(const char *at, const char *end) {
  while (at < end && is_digit(*at))
    at++;
  return at;
}

/* The end of the number at `at`, or NULL if it is not a number. */
static const char *number_end(const char *at, const char *end) {
  const char *start;
  if (*at == '-') at++;
  start = at;
  at = digits(at, end);
  if (at == start || (*start == '0' && at - start > 1)) return NULL;
  if (at < end && *at == '.') {
    start = ++at;
    at = digits(at, end);
    if (at == start) return NULL;
  }
  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    start = at;
    at = digits(at, end);
    if (at == start) return NULL;
  }
  return at;
}

static const char *literal_end(const char *at, const char *end) {
  size_t left = (size_t)(end - at);
  if (left >= 4 && (memcmp(at, "null", 4) == 0 || memcmp(at, "true", 4) == 0)) return at + 4;
  return left >= 5 && memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}

/* What may follow a number or literal. */
static const bool delimiters[256] = {
    ['\t'] = true, ['\n'] = true, ['\r'] = true, [' '] = true, [','] = true, [':'] = true,
    ['{'] = true,  ['}'] = true,  ['['] = true,  [']'] = true, ['"'] = true,
};

static bool is_delimiter(const char *at, const char *end) {
  return at == end || delimiters[(unsigned char)*at];
}

/* How many digits are at `text`, if fewer than eight. */
static inline size_t few_digits(const char *text) {
  uint64_t word, others;
  memcpy(&word, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  word ^= 0x3030303030303030u; /* a digit becomes 0 to 9 */
  others = (((word & 0x7f7f7f7f7f7f7f7fu) + 0x7676767676767676u) | word) & 0x8080808080808080u;
  return others ? (size_t)__builtin_ctzll(others) / 8 : 0;
}

/* Passes the number or literal at a place. Most are short whole numbers: these need no loop, whose
 * end the machine would predict wrongly. */
static inline json_at pass_run(struct json *json, json_at at) {
  const char *start = json->text + *at, *end = json->text + json->size, *after;
  size_t few = few_digits(start);
  bool number;
  if (few > 0 && (few == 1 || *start != '0') && start + few <= end &&
      is_delimiter(start + few, end))
    return json_step(json, at);
  number = start < end && (*start == '-' || is_digit(*start));
  after = number ? number_end(start, end) : literal_end(start, end);
  if (after && is_delimiter(after, end)) return json_step(json, at);
  return json_fail(json, at, number ? "this is not a JSON number" : "a value was expected");
}

/* Passing values: the loop that most bytes go through */

static inline json_at pass_key(struct json *json, json_at at) {
  /* far from the end of the window neither place can be the end of the text */
  if (at + 2 < json->end && json->text[at[0]] == '"' && json->text[at[1]] == ':') return at + 2;
  if (json_byte(json, at) != '"') return json_fail(json, at, "a key was expected");
  at = json_step(json, at);
  if (json_byte(json, at) != ':') return json_fail(json, at, "a colon was expected");
  return json_step(json, at);
}

/* The brackets that are open in the value being passed: one bit each, set for a brace. */
struct open {
  uint64_t objects[JSON_DEPTH_MAX / 64 + 1];
  uint32_t depth;
  bool object; /* the innermost */
};

static inline void push(struct open *open, bool object) {
  uint64_t *word = &open->objects[open->depth / 64], bit = (uint64_t)1 << open->depth % 64;
  *word = open->object ? *word | bit : *word & ~bit;
  open->object = object;
  open->depth++;
}

static inline void pop(struct open *open) {
  open->depth--;
  open->object = open->objects[open->depth / 64] >> open->depth % 64 & 1;
}

/* After a value: goes to the next one, out of all brackets that end here. Zero depth: it is
 * done. */
static inline json_at next_value(struct json *json, struct open *open, json_at at) {
  while (open->depth > 0) {
    char c = json_byte(json, at);
    if (c == ',') {
      if (!open->object) return json_step(json, at);
      /* far from the end of the window no place can be the end of the text */
      if (at + 3 < json->end && json->text[at[1]] == '"' && json->text[at[2]] == ':') return at + 3;
      return pass_key(json, json_step(json, at));
    }
    if (c != (open->object ? '}' : ']')) {
      open->depth = 0;
      return json_fail(json, at,
                       open->object ? "a comma or } was expected" : "a comma or ] was expected");
    }
    pop(open);
    at = json_step(json, at);
  }
  return at;
}

/* Goes to the first value in a bracket, or past it if there is none. */
static inline json_at first_value(struct json *json, struct open *open, json_at at, bool object,
                                  bool *empty) {
  *empty = false;
  if (json->depth + open->depth == JSON_DEPTH_MAX) {
    *empty = true;
    return json_fail(json, at, "brackets are nested more than 512 deep");
  }
  at = json_step(json, at);
  if (json_byte(json, at) == (object ? '}' : ']')) {
    *empty = true;
    return json_step(json, at);
  }
  push(open, object);
  return object ? pass_key(json, at) : at;
}

json_at json_pass_any(struct json *json, json_at at) {
  struct open open;
  open.depth = 0;
  open.object = false;
  do {
    char c = json_byte(json, at);
    if (c == '"') {
      at = json_step(json, at);
    } else if (c == '{' || c == '[') {
      bool empty;
      at = first_value(json, &open, at, c == '{', &empty);
      if (!empty) continue;
    } else {
      at = pass_run(json, at);
    }
    at = next_value(json, &open, at);
  } while (open.depth > 0);
  return at;
}

json_at json_take(struct json *json, json_at at, struct json_text *text) {
  size_t start = *at;
  size_t quote = json_byte(json, at) == '"';
  *text = (struct json_text){"", 0, false};
  at = quote ? json_step(json, at) : pass_run(json, at);
  if (json->problem) return at;
  text->text = json->text + start + quote;
  text->size = json_end_at(json, at) - start - 2 * quote;
  text->escaped = quote && json_has_escape(text->text, text->size);
  return at;
}

/* The pull parser */

void json_begin_with(struct json *json, enum json_scanner scanner, const char *text, size_t size) {
  json->text = text;
  json->size = size;
  json->task = NULL;
  json->problem = NULL;
  json->problem_at = 0;
  json->depth = 0;
  json->scanned = 0;
  json->scan = (struct json_scan){0};
  json->first = false;
  json->scanner = scanner;
  json->at = json_refill(json);
}

void json_begin(struct json *json, const char *text, size_t size) {
  json_begin_with(json, json_scanner(), text, size);
}

enum json_type json_type(struct json *json) {
  char c = json_byte(json, json->at);
  enum json_type type = json_type_at(json, json->at);
  if (type != JSON_NUMBER || c == '-' || is_digit(c)) return type;
  json->at = json_fail(json, json->at, "a value was expected");
  return JSON_NOTHING;
}

void json_enter(struct json *json) {
  enum json_type type = json_type(json);
  if (type == JSON_OBJECT || type == JSON_ARRAY)
    json->at = json_open(json, json->at);
  else
    json->at = json_fail(json, json->at, "an object or an array was expected");
  json->first = true;
}

static bool next_item(struct json *json, char close) {
  bool first = json->first;
  json->first = false;
  if (json->problem) return false;
  return first ? json_first(json, &json->at, close) : json_next(json, &json->at, close);
}

bool json_member(struct json *json, struct json_text *key) {
  if (!next_item(json, '}')) return false;
  json->at = json_key(json, json->at, key);
  key->escaped = json_has_escape(key->text, key->size);
  return !json->problem;
}

bool json_element(struct json *json) {
  return next_item(json, ']');
}

struct json_text json_scalar(struct json *json) {
  struct json_text text;
  json->at = json_take(json, json->at, &text);
  return text;
}

size_t json_skip(struct json *json) {
  json->at = json_pass(json, json->at);
  return json_end(json);
}

size_t json_end(const struct json *json) {
  return json_end_at(json, json->at);
}

static void refuse(struct json *json, const char *problem) {
  json->at = json_fail(json, json->at, problem);
}

bool json_finish(struct json *json) {
  if (!json->problem && *json->at < json->size) refuse(json, "something follows the value");
  return !json->problem;
}

/* Texts */

static int hex_value(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Reads four hexadecimal digits; they have been checked. */
static uint32_t hex_word(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++)
    value = value << 4 | (uint32_t)hex_value(at[i]);
  return value;
}

/* Writes a code point as UTF-8; returns its length. */
static size_t utf8(uint32_t c, char *to) {
  if (c < 0x80) {
    to[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    to[0] = (char)(0xc0 | c >> 6);
    to[1] = (char)(0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (c & 0x3f));
    return 3;
  }
  to[0] = (char)(0xf0 | c >> 18);
  to[1] = (char)(0x80 | (c >> 12 & 0x3f));
  to[2] = (char)(0x80 | (c >> 6 & 0x3f));
  to[3] = (char)(0x80 | (c & 0x3f));
  return 4;
}

/* Decodes the \u escape (or pair of them) at `*at`, which is moved after it. */
static uint32_t code_point(const char **at, const char *end) {
  uint32_t high = hex_word(*at + 2);
  *at += 6;
  if (high < 0xd800 || high > 0xdfff) return high;
  if (high < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
    uint32_t low = hex_word(*at + 2);
    if (low >= 0xdc00 && low <= 0xdfff) {
      *at += 6;
      return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
  }
  return 0xfffd;
}

/* Decodes one character, escaped or not, to `to` (4 bytes). Returns its length. */
static size_t decode_one(const char **at, const char *end, char *to) {
  static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
  const char *found;
  if (**at != '\\' || end - *at < 2) {
    *to = *(*at)++;
    return 1;
  }
  if ((*at)[1] == 'u' && end - *at >= 6) return utf8(code_point(at, end), to);
  found = strchr(from, (*at)[1]);
  *to = found && *found ? into[found - from] : (*at)[1];
  *at += 2;
  return 1;
}

size_t json_decode(struct json_text text, char *to, size_t limit) {
  const char *at = text.text, *end = text.text + text.size;
  size_t size = 0;
  while (at < end) {
    char one[4];
    size_t length = decode_one(&at, end, one);
    if (size + length <= limit) memcpy(to + size, one, length);
    size += length;
  }
  return size;
}

/* A text that is decoded byte by byte. */
struct bytes {
  const char *at, *end;
  char decoded[4];
  size_t next, size;
};

static int next_byte(struct bytes *bytes) {
  if (bytes->next == bytes->size) {
    if (bytes->at >= bytes->end) return -1;
    bytes->size = decode_one(&bytes->at, bytes->end, bytes->decoded);
    bytes->next = 0;
  }
  return (unsigned char)bytes->decoded[bytes->next++];
}

bool json_same(struct json_text one, struct json_text other) {
  struct bytes a = {.at = one.text, .end = one.text + one.size};
  struct bytes b = {.at = other.text, .end = other.text + other.size};
  int byte;
  if (!one.escaped && !other.escaped)
    return one.size == other.size && memcmp(one.text, other.text, one.size) == 0;
  while ((byte = next_byte(&a)) == next_byte(&b))
    if (byte < 0) return true;
  return false;
}

bool json_is(struct json_text text, const char *word) {
  struct json_text other = {word, strlen(word), false};
  return json_same(text, other);
}
