/* json_test.c - which texts are JSON, where the others are wrong, and that all scanners agree */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "dataset/text/json.h"
#include "json_oracle.h"

enum { ROOM = 1 << 16, RANDOM_TEXTS = 60000 };

static struct json json;

/* A copy that ends after its padding, so that sanitizers see reads beyond it. The bytes after the
 * text would extend it, if they were read. */
static char *padded(const char *text, size_t size, char follows) {
  char *copy = malloc(size + JSON_PADDING);
  if (!copy) exit(1);
  memcpy(copy, text, size);
  memset(copy + size, follows, JSON_PADDING);
  return copy;
}

/* The problem of a text and its place, as "problem at N"; "" if there is none. */
static const char *problem_of(const char *text, size_t size) {
  static char shown[128];
  char *copy = padded(text, size, '}');
  json_begin(&json, copy, size);
  json_skip(&json);
  shown[0] = '\0';
  if (!json_finish(&json))
    snprintf(shown, sizeof shown, "%s at %zu", json.problem, json.problem_at);
  free(copy);
  return shown;
}

static void check_problem(const char *expected, const char *text) {
  CHECK_TEXT(expected, problem_of(text, strlen(text)));
}

static void test_problems(void) {
  check_problem("", " {\"a\" : [1, -0.5e+3, true,false ,null, \"\\u00e9\\n\", {}, []]}\r\n");
  check_problem("", "0");
  check_problem("", "\"\"");
  check_problem("the text ends too early at 0", "");
  check_problem("the text ends too early at 1", "{");
  check_problem("the text ends too early at 6", "{\"a\":1");
  check_problem("the text ends within a string at 4", "{\"a:");
  check_problem("a key was expected at 1", "{1:2}");
  check_problem("a key was expected at 7", "{\"a\":1,}");
  check_problem("a colon was expected at 4", "{\"a\",1}");
  check_problem("a comma or } was expected at 7", "{\"a\":1 \"b\":2}");
  check_problem("a comma or } was expected at 6", "{\"a\":1]");
  check_problem("a comma or ] was expected at 2", "[1}");
  check_problem("a value was expected at 3", "[1,]");
  check_problem("a value was expected at 1", "[tru]");
  check_problem("a value was expected at 1", "[nulll]");
  check_problem("a value was expected at 1", "[+1]");
  check_problem("something follows the value at 3", "[] 1");
  check_problem("something follows the value at 2", "{}}");
  check_problem("this is not a JSON number at 1", "[01]");
  check_problem("this is not a JSON number at 1", "[1.]");
  check_problem("this is not a JSON number at 1", "[-]");
  check_problem("this is not a JSON number at 1", "[1e]");
  check_problem("this is not a JSON number at 1", "[1x]");
  check_problem("this is not a JSON number at 1", "[12345678901x]");
  check_problem("an escape that JSON does not have at 3", "[\"\\x\"]");
  check_problem("an escape that JSON does not have at 6", "[\"\\u12\"]");
  check_problem("a value was expected at 0", "\\");
  check_problem("an escape that JSON does not have at 1", "\\x");
  check_problem("a control character - these must be written as escapes at 3", "[\"a\nb\"]");
  check_problem("a control character - these must be written as escapes at 1", "[\x01]");
}

/* Numbers and literals at the very end, before bytes that would continue with them. */
static void test_ends(void) {
  char *copy = padded("12", 2, '3');
  json_begin(&json, copy, 2);
  CHECK(json_scalar(&json).size == 2 && json_finish(&json));
  free(copy);
  copy = padded("[1,2", 4, ']');
  json_begin(&json, copy, 4);
  json_skip(&json);
  CHECK(!json_finish(&json));
  free(copy);
  copy = padded("nul", 3, 'l');
  json_begin(&json, copy, 3);
  json_skip(&json);
  CHECK(!json_finish(&json));
  free(copy);
}

static void test_depth(void) {
  static char text[4 * JSON_DEPTH_MAX];
  memset(text, '[', JSON_DEPTH_MAX + 1);
  memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
  CHECK_TEXT("", problem_of(text + 1, 2 * JSON_DEPTH_MAX));
  CHECK_TEXT("brackets are nested more than 512 deep at 512",
             problem_of(text, 2 * JSON_DEPTH_MAX + 2));
  for (int i = 0; i < JSON_DEPTH_MAX; i++) /* one bracket by hand, the others in one go */
    text[i] = '[';
  json_begin(&json, text, JSON_DEPTH_MAX + 1);
  json_enter(&json);
  json_element(&json);
  json_skip(&json);
  CHECK(!json_finish(&json));
}

static void test_pulling(void) {
  const char *text = "{\"a\": [10, \"x\\\"y\", {}], \"\\u0062\": null, \"c\": {\"d\": 1}} ";
  char *copy = padded(text, strlen(text), ',');
  struct json_text key;
  json_begin(&json, copy, strlen(text));
  CHECK(json_type(&json) == JSON_OBJECT);
  json_enter(&json);
  CHECK(json_member(&json, &key) && json_is(key, "a") && !key.escaped);
  CHECK(json_type(&json) == JSON_ARRAY);
  json_enter(&json);
  CHECK(json_element(&json) && json_type(&json) == JSON_NUMBER);
  CHECK(json_is(json_scalar(&json), "10") && json_end(&json) == 9);
  CHECK(json_element(&json) && json_type(&json) == JSON_STRING);
  CHECK(json_is(json_scalar(&json), "x\"y"));
  CHECK(json_element(&json) && json_type(&json) == JSON_OBJECT);
  json_enter(&json);
  CHECK(!json_member(&json, &key));
  CHECK(!json_element(&json) && json_end(&json) == 22);
  CHECK(json_member(&json, &key) && key.escaped && json_is(key, "b") && !json_is(key, "bb"));
  CHECK(json_type(&json) == JSON_NULL && json_skip(&json) == 38);
  CHECK(json_member(&json, &key) && json_is(key, "c"));
  CHECK(json_skip(&json) == 53);
  CHECK(!json_member(&json, &key) && json_finish(&json));
  free(copy);
}

static void check_decoded(const char *expected, const char *text) {
  char to[32];
  size_t size = json_decode((struct json_text){text, strlen(text), true}, to, sizeof to);
  CHECK(size == strlen(expected) && memcmp(to, expected, size) == 0);
}

static void test_decoding(void) {
  check_decoded("a\"\\/\b\f\n\r\tz", "a\\\"\\\\\\/\\b\\f\\n\\r\\tz");
  check_decoded("i\xc3\xa9\xe2\x82\xac", "\\u0069\\u00e9\\u20AC");
  check_decoded("\xf0\x9f\x90\x8d", "\\ud83d\\udc0d");
  check_decoded("\xef\xbf\xbd", "\\ud83d");
  check_decoded("\xef\xbf\xbdx", "\\udc0dx");
  check_decoded("\xef\xbf\xbd"
                "A",
                "\\ud83d\\u0041");
  CHECK(json_decode((struct json_text){"\\u20ac\\u20ac", 12, true}, (char[4]){0}, 4) == 6);
  CHECK(
      json_same((struct json_text){"\\u00e9", 6, true}, (struct json_text){"\xc3\xa9", 2, false}));
  CHECK(!json_same((struct json_text){"\\u00e9", 6, true}, (struct json_text){"\xc3", 1, false}));
}

/* Strings and rows of backslashes across the ends of blocks and windows. */
static void test_edges(void) {
  static char text[3 * JSON_WINDOW];
  for (size_t size = JSON_WINDOW - 70; size < JSON_WINDOW + 70; size++)
    for (size_t escapes = 0; escapes < 6; escapes++) {
      text[0] = '"';
      memset(text + 1, 'x', size);
      memset(text + 1 + size, '\\', escapes);
      memcpy(text + 1 + size + escapes, "\" ", 2);
      if (!(CHECK((problem_of(text, size + escapes + 3)[0] == '\0') == (escapes % 2 == 0)))) return;
    }
}

static uint64_t state = 1;

static uint64_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

/* JSON and what is nearly JSON. */
static size_t random_text(char *text) {
  static const char letters[] = "{}[]:,\"\"\\\\u0d19eE+-. \t\n\x01truefalsnul\xc3";
  static const char *const pieces[] = {"{\"a\":", "\"b\"",  "[1,2]", "\\u0069",  "\\\"", "true",
                                       "null",    "-1.5e3", "{}",    "[]",       "}",    "]",
                                       ",",       ":",      " ",     "123456789"};
  size_t size = 0, count = draw() % 40;
  for (size_t i = 0; i < count; i++) {
    if (draw() % 3 == 0) {
      text[size++] = letters[draw() % (sizeof letters - 1)];
    } else {
      const char *piece = pieces[draw() % (sizeof pieces / sizeof *pieces)];
      memcpy(text + size, piece, strlen(piece));
      size += strlen(piece);
    }
  }
  return size;
}

/* A valid text: a value of random shape. */
static size_t random_value(char *text, int depth) {
  static const char *const scalars[] = {"0",
                                        "-12.5E-7",
                                        "true",
                                        "null",
                                        "\"\"",
                                        "\"a\\u00e9\\\\\"",
                                        "1265324480517361664",
                                        "\"\\\"id\\\":\\\"1\\\"\""};
  size_t size = 0, count = draw() % 4;
  bool object = draw() % 2;
  if (depth == 0 || draw() % 3 == 0) {
    const char *scalar = scalars[draw() % (sizeof scalars / sizeof *scalars)];
    memcpy(text, scalar, strlen(scalar));
    return strlen(scalar);
  }
  text[size++] = object ? '{' : '[';
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text[size++] = ',';
    if (draw() % 4 == 0) text[size++] = " \t\r\n"[draw() % 4];
    if (object) {
      memcpy(text + size, "\"k\"  :", 6);
      size += 6;
    }
    size += random_value(text + size, depth - 1);
    if (draw() % 4 == 0) text[size++] = ' ';
  }
  text[size++] = object ? '}' : ']';
  return size;
}

static bool is_same_scan(enum json_scanner scanner, const char *text, size_t size) {
  static uint32_t one[ROOM + JSON_SCAN_SLACK], other[ROOM + JSON_SCAN_SLACK];
  struct json_scan scan_one = {0}, scan_other = {0};
  size_t bad_one, bad_other;
  uint32_t *end_one = json_scan(scanner, &scan_one, text, 0, size, one, &bad_one);
  uint32_t *end_other = json_scan(JSON_PORTABLE, &scan_other, text, 0, size, other, &bad_other);
  if (bad_one != bad_other) return false;
  if (bad_one < size) return true; /* what was found before it is not checked */
  return end_one - one == end_other - other &&
         memcmp(one, other, (size_t)(end_one - one) * sizeof *one) == 0 &&
         !scan_one.in_string == !scan_other.in_string;
}

static bool is_right(const char *text, size_t size) {
  bool expected = oracle_is_json(text, size, JSON_DEPTH_MAX);
  char *copy = padded(text, size, "}]\"1"[draw() % 4]);
  bool right = true;
  for (int scanner = JSON_PORTABLE; scanner <= (int)json_scanner() && right; scanner++) {
    json_begin_with(&json, (enum json_scanner)scanner, copy, size);
    json_skip(&json);
    right = json_finish(&json) == expected && is_same_scan((enum json_scanner)scanner, copy, size);
  }
  if (!right) printf("wrong about: %.*s\n", (int)size, text);
  free(copy);
  return right;
}

static void test_random_texts(void) {
  static char text[ROOM];
  bool right = true;
  size_t valid = 0;
  for (int i = 0; i < RANDOM_TEXTS && right; i++) {
    size_t size = i % 2 ? random_text(text) : random_value(text, 6);
    right = is_right(text, size);
    valid += oracle_is_json(text, size, JSON_DEPTH_MAX);
    if (i % 2 == 0 && size > 0) { /* one byte wrong */
      text[draw() % size] = "{}[]:,\"\\u0a \n"[draw() % 13];
      right = right && is_right(text, size);
    }
  }
  CHECK(right);
  CHECK(valid > RANDOM_TEXTS / 2);
}

int main(void) {
  test_problems();
  test_ends();
  test_depth();
  test_pulling();
  test_decoding();
  test_edges();
  test_random_texts();
  return check_end();
}
