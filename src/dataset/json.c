/* json.c - see json.h
 *
 * The first stage knows strings and nothing of grammar. For each block of 64 bytes it makes masks,
 * one bit a byte: quotes, backslashes, brackets and separators, white space. Which quotes are
 * escaped follows from the backslashes by an addition whose carry runs along each row of them;
 * which bytes are inside strings from the quotes by a running exclusive or. What is left outside of
 * strings are the structural bytes; their offsets are what the second stage walks along. The rules
 * for escapes and control characters are checked here too, so that the second stage never looks
 * into a string.
 *
 * A structural byte is one of {}[]:, outside of strings, an opening quote, or the first byte of a
 * run of anything else but white space. The last one is always an offset equal to the size of the
 * text.
 */
#include "dataset/json.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

/* The first stage */

static const char CONTROL[] = "a control character - these must be written as escapes";
static const char ESCAPE[] = "an escape that JSON does not have";
static const char UNCLOSED[] = "the text ends within a string";

static void fail(struct json *json, const char *problem, size_t at) {
  if (json->problem) return;
  json->problem = problem;
  json->problem_at = at;
}

/* What the masks of one block say; a bit for each byte. */
struct block {
  uint64_t structural;
  uint64_t bad; /* breaks a rule of strings, or is a control character outside of one */
};

static bool is_escape(char c) {
  switch (c) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
  case 'u': return true;
  default: return false;
  }
}

#ifdef __SSE2__

static uint64_t mask_of(__m128i a, __m128i b, __m128i c, __m128i d) {
  uint32_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
  uint32_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
  return low | (uint64_t)high << 32;
}

/* Applies an expression to the four quarters of a block. */
#define MASK(v, expression)                                                                        \
  ({                                                                                               \
    __m128i results[4];                                                                            \
    for (int quarter = 0; quarter < 4; quarter++) {                                                \
      __m128i v = quarters[quarter];                                                               \
      results[quarter] = (expression);                                                             \
    }                                                                                              \
    mask_of(results[0], results[1], results[2], results[3]);                                       \
  })
#define IS(v, c) _mm_cmpeq_epi8(v, _mm_set1_epi8(c))
#define AT_MOST(v, c) _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(c)), v)
#define OR(a, b) _mm_or_si128(a, b)
#define MINUS(v, c) _mm_sub_epi8(v, _mm_set1_epi8(c))

/* Each bit becomes the exclusive or of itself and all below. */
static uint64_t running_xor(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

/* The bytes behind backslashes that are not themselves escaped. Rows of backslashes are rare. */
static uint64_t find_escaped(uint64_t backslashes, uint64_t *carry) {
  uint64_t escaped = *carry;
  backslashes &= ~escaped;
  if (!(backslashes & backslashes << 1)) {
    *carry = backslashes >> 63;
    return escaped | backslashes << 1;
  }
  *carry = 0;
  while (backslashes) {
    uint64_t first = backslashes & -backslashes;
    escaped |= first << 1;
    *carry = first >> 63;
    backslashes &= ~(first | first << 1);
  }
  return escaped;
}

/* Among the escaped bytes, those that may not be; `hex` carries the digits still due. */
static uint64_t bad_escapes(const __m128i *quarters, const char *text, uint64_t escaped,
                            uint64_t *hex) {
  uint64_t u = escaped ? escaped & MASK(v, IS(v, 'u')) : 0;
  uint64_t others = escaped & ~u, due = *hex, bad = 0;
  for (; others; others &= others - 1)
    if (!is_escape(text[__builtin_ctzll(others)])) bad |= others & -others;
  due |= u << 1 | u << 2 | u << 3 | u << 4;
  *hex = u >> 63 | u >> 62 | u >> 61 | u >> 60;
  if (due)
    bad |= due & ~MASK(v, OR(AT_MOST(MINUS(v, '0'), 9),
                             AT_MOST(MINUS(OR(v, _mm_set1_epi8(0x20)), 'a'), 5)));
  return bad;
}

static struct block scan_block(struct json *json, const char *text, uint64_t valid) {
  const __m128i quarters[4] = {
      _mm_loadu_si128((const __m128i *)text), _mm_loadu_si128((const __m128i *)(text + 16)),
      _mm_loadu_si128((const __m128i *)(text + 32)), _mm_loadu_si128((const __m128i *)(text + 48))};
  uint64_t backslashes = valid & MASK(v, IS(v, '\\'));
  uint64_t quotes = valid & MASK(v, IS(v, '"'));
  uint64_t separators =
      valid & MASK(v, OR(OR(IS(v, ','), IS(v, ':')), OR(IS(OR(v, _mm_set1_epi8(0x20)), '{'),
                                                        IS(OR(v, _mm_set1_epi8(0x20)), '}'))));
  uint64_t blank = ~valid | MASK(v, AT_MOST(v, ' ')); /* control characters too */
  uint64_t control = valid & MASK(v, AT_MOST(v, 0x1f));
  uint64_t in_string, runs;
  struct block block = {0};
  if (backslashes | json->escaped | json->hex) {
    uint64_t escaped = find_escaped(backslashes, &json->escaped);
    block.bad = valid & bad_escapes(quarters, text, escaped & ~(quotes | backslashes), &json->hex);
    quotes &= ~escaped;
  }
  in_string =
      running_xor(quotes) ^ json->in_string; /* from the opening quote to before the other */
  json->in_string = (uint64_t)((int64_t)in_string >> 63);
  if (control)
    block.bad |= control & (in_string | ~MASK(v, OR(IS(v, '\n'), OR(IS(v, '\r'), IS(v, '\t')))));
  runs = ~(separators | blank | in_string | quotes);
  block.structural =
      (separators & ~in_string) | (quotes & in_string) | (runs & ~(runs << 1 | json->run));
  json->run = runs >> 63;
  return block;
}

#undef MASK
#undef IS
#undef AT_MOST
#undef OR
#undef MINUS

#endif

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_separator(char c) {
  return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']';
}

/* One byte within a string or outside; what scan_block does with masks. In `hex`, as there, bit i
 * says that a digit is due i bytes ahead. */
static void scan_byte(struct json *json, char c, uint64_t bit, struct block *block) {
  bool was_escaped = json->escaped, due = json->hex & 1;
  bool in_string = json->in_string, is_quote = c == '"' && !was_escaped, is_run = false;
  json->escaped = 0;
  json->hex >>= 1;
  if ((due && !is_hex(c)) || (was_escaped && !is_escape(c))) block->bad |= bit;
  if (was_escaped && c == 'u') json->hex |= 15;
  if (c == '\\' && !was_escaped) json->escaped = 1;
  if ((unsigned char)c < ' ' && (in_string || (c != '\n' && c != '\r' && c != '\t')))
    block->bad |= bit;
  if (is_quote) {
    if (!in_string) block->structural |= bit;
    json->in_string = in_string ? 0 : UINT64_MAX;
  } else if (!in_string && is_separator(c)) {
    block->structural |= bit;
  } else if (!in_string && (unsigned char)c > ' ') {
    is_run = true;
    if (!json->run) block->structural |= bit;
  }
  json->run = is_run;
}

static struct block scan_bytes(struct json *json, const char *text, size_t size) {
  struct block block = {0};
  for (size_t i = 0; i < size; i++)
    scan_byte(json, text[i], (uint64_t)1 << i, &block);
  return block;
}

/* Writes the places of the bits in `structural`. Returns where the next go. */
static uint32_t *write_index(uint32_t *index, uint64_t structural, uint32_t base) {
  while (structural) {
    *index++ = base + (uint32_t)__builtin_ctzll(structural);
    structural &= structural - 1;
  }
  return index;
}

/* Finds the structure of the next window. Behind the end of the text there is only its end. */
static void scan_window(struct json *json) {
  uint32_t *index = json->index;
  size_t end = json->size - json->scanned > JSON_WINDOW ? json->scanned + JSON_WINDOW : json->size;
  for (size_t at = json->scanned; at < end && !json->problem; at += BLOCK) {
    size_t size = end - at < BLOCK ? end - at : BLOCK;
    struct block block;
#ifdef __SSE2__
    if (!json->portable)
      block = scan_block(json, json->text + at, UINT64_MAX >> (BLOCK - size));
    else
#endif
      block = scan_bytes(json, json->text + at, size);
    if (block.bad) {
      size_t bad = at + (size_t)__builtin_ctzll(block.bad);
      fail(json, (unsigned char)json->text[bad] < ' ' ? CONTROL : ESCAPE, bad);
    }
    index = write_index(index, block.structural, (uint32_t)at);
  }
  json->scanned = end;
  if (end == json->size && json->in_string) fail(json, UNCLOSED, json->size);
  if (json->problem) index = json->index;
  if (json->problem || end == json->size) *index++ = (uint32_t)json->size;
  json->next = json->index;
  json->end = index;
}

/* The second stage */

/* Goes to the next structural byte. A window may hold none. */
static void refill(struct json *json) {
  do
    scan_window(json);
  while (json->next == json->end);
}

static inline void advance(struct json *json) {
  if (++json->next == json->end) refill(json);
  json->at = *json->next;
}

static inline char byte_at(const struct json *json) {
  return json->at < json->size ? json->text[json->at] : '\0';
}

/* Something else was expected here. */
static void unexpected(struct json *json, const char *problem) {
  fail(json, json->at < json->size ? problem : "the text ends too early", json->at);
  json->index[0] = (uint32_t)json->size;
  json->next = json->index;
  json->end = json->index + 1;
  json->scanned = json->at = json->size;
}

static void begin(struct json *json, const char *text, size_t size, bool portable) {
  json->text = text;
  json->size = size;
  json->problem = NULL;
  json->problem_at = 0;
  json->separator = 0;
  json->depth = 0;
  json->scanned = 0;
  json->in_string = json->escaped = json->hex = json->run = 0;
  json->first = false;
  json->portable = portable;
  refill(json);
  json->at = *json->next;
}

void json_begin(struct json *json, const char *text, size_t size) {
  begin(json, text, size, false);
}

void json_begin_portable(struct json *json, const char *text, size_t size) {
  begin(json, text, size, true);
}

enum json_type json_type(struct json *json) {
  switch (byte_at(json)) {
  case '{': return JSON_OBJECT;
  case '[': return JSON_ARRAY;
  case '"': return JSON_STRING;
  case 't': return JSON_TRUE;
  case 'f': return JSON_FALSE;
  case 'n': return JSON_NULL;
  case '-':
  case '0':
  case '1':
  case '2':
  case '3':
  case '4':
  case '5':
  case '6':
  case '7':
  case '8':
  case '9': return JSON_NUMBER;
  default: unexpected(json, "a value was expected"); return JSON_NOTHING;
  }
}

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

static const char *digits(const char *at, const char *end) {
  while (at < end && is_digit(*at))
    at++;
  return at;
}

/* The end of the number at `at`, or NULL where it is none. */
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

/* Whether a run of bytes ends at `at`. */
static bool is_delimiter(const char *at, const char *end) {
  return at == end || (unsigned char)*at <= ' ' || is_separator(*at) || *at == '"';
}

/* Checks the number or literal that the parser is at, and passes it. */
static void pass_run(struct json *json) {
  const char *at = json->text + json->at, *end = json->text + json->size;
  bool number = json->at < json->size && (*at == '-' || is_digit(*at));
  at = number ? number_end(at, end) : literal_end(at, end);
  if (at && is_delimiter(at, end))
    advance(json);
  else
    unexpected(json, number ? "is no number as JSON has them" : "a value was expected");
}

static void push(struct json *json, bool object) {
  uint64_t bit = (uint64_t)1 << json->depth % 64;
  if (json->depth == JSON_DEPTH_MAX) {
    unexpected(json, "brackets lie more than 512 deep");
    return;
  }
  if (object)
    json->objects[json->depth / 64] |= bit;
  else
    json->objects[json->depth / 64] &= ~bit;
  json->depth++;
  json->first = true;
  json->separator = json->at;
  advance(json);
}

void json_enter(struct json *json) {
  char c = byte_at(json);
  if (c == '{' || c == '[')
    push(json, c == '{');
  else
    unexpected(json, "an object or an array was expected");
}

static bool leave(struct json *json) {
  json->separator = json->at;
  json->first = false;
  json->depth--;
  advance(json);
  return false;
}

/* Goes to the next item of the innermost bracket; false behind the last. */
static inline bool next_item(struct json *json, char close, const char *expected) {
  char c = byte_at(json);
  if (json->problem) return false;
  if (c == close) return leave(json);
  if (json->first) {
    json->first = false;
    return true;
  }
  if (c != ',') {
    unexpected(json, expected);
    return false;
  }
  json->separator = json->at;
  advance(json);
  return true;
}

bool json_member(struct json *json, struct json_text *key) {
  size_t start, end;
  if (!next_item(json, '}', "a comma or } was expected")) return false;
  start = json->at;
  if (byte_at(json) != '"') {
    unexpected(json, "a key was expected");
    return false;
  }
  advance(json);
  if (byte_at(json) != ':') {
    unexpected(json, "a colon was expected");
    return false;
  }
  end = json_end(json);
  key->text = json->text + start + 1;
  key->size = end - start - 2;
  key->escaped = memchr(key->text, '\\', key->size) != NULL;
  advance(json);
  return true;
}

bool json_element(struct json *json) {
  return next_item(json, ']', "a comma or ] was expected");
}

struct json_text json_scalar(struct json *json) {
  struct json_text text = {"", 0, false};
  size_t start = json->at, quote = byte_at(json) == '"';
  if (quote)
    advance(json);
  else
    pass_run(json);
  if (json->problem) return text;
  text.text = json->text + start + quote;
  text.size = json_end(json) - start - 2 * quote;
  text.escaped = quote && memchr(text.text, '\\', text.size);
  return text;
}

/* Passes a key and its colon. */
static bool pass_key(struct json *json) {
  if (byte_at(json) != '"') {
    unexpected(json, "a key was expected");
    return false;
  }
  advance(json);
  if (byte_at(json) != ':') {
    unexpected(json, "a colon was expected");
    return false;
  }
  advance(json);
  return true;
}

static bool in_object(const struct json *json) {
  uint32_t top = json->depth - 1;
  return json->objects[top / 64] >> top % 64 & 1;
}

/* Goes to the first value in the bracket that the parser is at, or behind it where it is empty.
 * False there, and after a problem. */
static bool open_bracket(struct json *json, bool object) {
  push(json, object);
  if (byte_at(json) == (object ? '}' : ']')) return leave(json);
  return !object || pass_key(json);
}

/* Goes to the next value behind one that was passed, out of as many brackets as end here, but not
 * further than `depth`. False when it is there. */
static bool next_value(struct json *json, uint32_t depth) {
  while (json->depth > depth && !json->problem) {
    bool object = in_object(json);
    char c = byte_at(json);
    if (c == ',') {
      advance(json);
      return !object || pass_key(json);
    }
    if (c == (object ? '}' : ']'))
      leave(json);
    else
      unexpected(json, object ? "a comma or } was expected" : "a comma or ] was expected");
  }
  return false;
}

size_t json_skip(struct json *json) {
  uint32_t depth = json->depth;
  bool more = true;
  while (more) {
    char c = byte_at(json);
    if (c == '"')
      advance(json);
    else if (c != '{' && c != '[')
      pass_run(json);
    else if (open_bracket(json, c == '{'))
      continue;
    more = next_value(json, depth);
  }
  return json_end(json);
}

size_t json_end(const struct json *json) {
  size_t end = json->at;
  while (end > 0 && (unsigned char)json->text[end - 1] <= ' ')
    end--;
  return end;
}

void json_refuse(struct json *json, const char *problem) {
  unexpected(json, problem);
}

bool json_finish(struct json *json) {
  if (!json->problem && json->at < json->size) unexpected(json, "something follows the value");
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

/* Decodes the \u escape (or pair of them) at `*at`, which is moved behind it. */
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
