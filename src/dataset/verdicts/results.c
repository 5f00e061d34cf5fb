/* results.c - see results.h
 *
 * There are millions of rows and nearly all look alike: members with plain strings, without white
 * space or escapes. A scanner that knows nothing else reads those; all other rows go to the JSON
 * parser. Both hand over members, so that the meaning of a row is decided in one place.
 */
#include "dataset/verdicts/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "dataset/bytes/lines.h"
#include "dataset/bytes/reader.h"
#include "dataset/text/id.h"
#include "dataset/text/json.h"
#include "memory.h"

enum {
  ROW_MAX = 1 << 20, /* bytes: real rows are less than a thousandth of that */
  WORD_MAX = 40,     /* longer than any action or reason that is known */
  SAID = 108,        /* two of them and the text around them */
  PLAIN_MAX = 512,
  QUOTES_MAX = 80,
};

enum member {
  MEMBER_ID,
  MEMBER_ACTION,
  MEMBER_REASON,
  MEMBER_CREATED_AT,
  MEMBER_REDACTED_AT,
  MEMBER_ERROR,
  MEMBERS
};

/* A value as text; `text` NULL: absent, or null. */
struct word {
  const char *text;
  size_t size;
};

struct members {
  struct word words[MEMBERS];
  unsigned seen; /* one bit a member */
  char decoded[MEMBERS][WORD_MAX];
};

/* {==================================================================
** What a row means
** =================================================================== */

#define REASON(name, fact)                                                                         \
  { name, sizeof name - 1, fact }
static const struct reason {
  const char *name;
  size_t size;
  uint32_t fact;
} REASONS[] = {
    REASON("deleted", FACT_DELETED),     REASON("bounced", FACT_BOUNCED),
    REASON("suspended", FACT_SUSPENDED), REASON("deactivated", FACT_DEACTIVATED),
    REASON("protected", FACT_PROTECTED), REASON("other", FACT_OTHER),
};

/* `name` is a constant, so that the compiler compares it at once. */
static inline bool is(struct word word, const char *name) {
  return word.text && strlen(name) == word.size && memcmp(word.text, name, strlen(name)) == 0;
}

static bool is_scrub(struct word word) {
  return is(word, "scrub_geo") || is(word, "geo_scrubbed");
}

static uint32_t fact_of(struct word action, struct word reason, bool error) {
  if (is_scrub(action) || is_scrub(reason)) return FACT_SCRUB_GEO;
  if (is(action, "delete")) {
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
      if (reason.size == REASONS[i].size && memcmp(reason.text, REASONS[i].name, reason.size) == 0)
        return REASONS[i].fact;
    return FACT_OTHER;
  }
  if (is(action, "rehydrate") || is(reason, "tweet_edited")) return FACT_REHYDRATE;
  return error ? FACT_INVALID : FACT_UNKNOWN;
}

uint32_t fact_named(const char *reason) {
  for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
    if (strcmp(reason, REASONS[i].name) == 0) return REASONS[i].fact;
  if (strcmp(reason, "scrub_geo") == 0) return FACT_SCRUB_GEO;
  return strcmp(reason, "rehydrate") == 0 ? FACT_REHYDRATE : 0;
}

void fact_names(char *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s, ", REASONS[i].name);
  if (used < size) snprintf(text + used, size - used, "scrub_geo, rehydrate");
}

static uint32_t lowest(uint32_t facts) {
  return facts & (0 - facts);
}

const char *fact_outcome(uint32_t facts) {
  uint32_t fact = lowest(facts);
  if (fact & FACT_DELETE) return "delete";
  switch (fact) {
  case FACT_UNKNOWN: return "unknown";
  case FACT_SCRUB_GEO: return "scrub_geo";
  case FACT_REHYDRATE: return "rehydrate";
  case FACT_INVALID: return "invalid";
  default: return "compliant";
  }
}

const char *fact_reason(uint32_t facts) {
  uint32_t fact = lowest(facts);
  for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++)
    if (fact == REASONS[i].fact) return REASONS[i].name;
  if (fact == FACT_SCRUB_GEO) return "scrub_geo";
  return fact == FACT_REHYDRATE ? "tweet_edited" : NULL;
}

/* }================================================================== */

/* {==================================================================
** Times: 2019-08-10T12:22:39.022Z, 2021-02-21T18:01:36+00:00
** =================================================================== */

/* Reads `digits` digits that are followed by `end` (any byte if that is 0). */
static bool read_number(const char **at, const char *limit, int digits, char end, int *number) {
  *number = 0;
  if (limit - *at < digits + (end != 0)) return false;
  for (int i = 0; i < digits; i++) {
    unsigned digit = (unsigned)((unsigned char)**at - '0');
    if (digit > 9) return false;
    *number = *number * 10 + (int)digit;
    ++*at;
  }
  return end == 0 || *(*at)++ == end;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar: years are counted from March, so that
 * the leap day is the last day. */
static int64_t days_to(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t century = y / 100, of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  return y * 365 + y / 4 - century + century / 4 + of_year - 719468;
}

/* The offset from UTC in seconds: "Z", "+00:00", "+0000". */
static bool read_offset(const char *at, const char *limit, int64_t *offset) {
  int hours, minutes, sign = *at == '-' ? -1 : 1;
  *offset = 0;
  if (limit - at == 1) return *at == 'Z';
  if (limit - at < 5 || (*at != '+' && *at != '-')) return false;
  at++;
  if (!read_number(&at, limit, 2, 0, &hours)) return false;
  if (*at == ':') at++;
  if (!read_number(&at, limit, 2, 0, &minutes) || at != limit) return false;
  *offset = sign * (hours * 3600 + minutes * 60);
  return true;
}

static bool read_time(struct word word, uint32_t *time) {
  const char *at = word.text, *limit = at + word.size;
  int year, month, day, hour, minute, second;
  int64_t offset, seconds;
  if (!read_number(&at, limit, 4, '-', &year) || !read_number(&at, limit, 2, '-', &month) ||
      !read_number(&at, limit, 2, 'T', &day) || !read_number(&at, limit, 2, ':', &hour) ||
      !read_number(&at, limit, 2, ':', &minute) || !read_number(&at, limit, 2, 0, &second))
    return false;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return false;
  if (at < limit && *at == '.') do
      at++;
    while (at < limit && *at >= '0' && *at <= '9');
  if (at >= limit || !read_offset(at, limit, &offset)) return false;
  seconds = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  if (seconds <= 0 || seconds > UINT32_MAX) return false;
  *time = (uint32_t)seconds;
  return true;
}

/* }================================================================== */

/* {==================================================================
** Rows
** =================================================================== */

static enum member member_named(struct word key) {
  switch (key.size) {
  case 2: return is(key, "id") ? MEMBER_ID : MEMBERS;
  case 5: return is(key, "error") ? MEMBER_ERROR : MEMBERS;
  case 6: return is(key, "action") ? MEMBER_ACTION : is(key, "reason") ? MEMBER_REASON : MEMBERS;
  case 10: return is(key, "created_at") ? MEMBER_CREATED_AT : MEMBERS;
  case 11: return is(key, "redacted_at") ? MEMBER_REDACTED_AT : MEMBERS;
  default: return MEMBERS;
  }
}

/* False if the member appears twice. */
static bool set_member(struct members *members, enum member member, struct word value) {
  if (members->seen >> member & 1) return false;
  members->seen |= 1u << member;
  members->words[member] = value;
  return true;
}

/* Finds the quotes of a row; returns how many, or 0 if there are too many, or a backslash or a
 * control character. PLAIN_MAX + 16 bytes of the text can be read. */
static unsigned find_quotes(const char *text, size_t size, uint16_t quotes[QUOTES_MAX]) {
  unsigned count = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                control = _mm_set1_epi8(0x1f);
  for (size_t at = 0; at < size; at += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, backslash),
                               _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    unsigned inside = size - at < 16 ? (1u << (size - at)) - 1 : 0xffff;
    unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote)) & inside;
    if ((unsigned)_mm_movemask_epi8(odd) & inside) return 0;
    if (count > QUOTES_MAX - 16) return 0;
    for (; found; found &= found - 1)
      quotes[count++] = (uint16_t)(at + (unsigned)__builtin_ctz(found));
  }
#else
  for (size_t at = 0; at < size; at++) {
    if (text[at] == '\\' || (unsigned char)text[at] < 0x20 || count == QUOTES_MAX) return 0;
    if (text[at] == '"') quotes[count++] = (uint16_t)at;
  }
#endif
  return count;
}

/* {"key":"value","key":"value"} and nothing else. False: the JSON parser must read it. */
static bool scan_plain(const char *text, size_t size, struct members *members) {
  uint16_t quotes[QUOTES_MAX];
  unsigned count = size > PLAIN_MAX ? 0 : find_quotes(text, size, quotes);
  if (count == 0 || count % 4 != 0 || text[0] != '{' || quotes[0] != 1) return false;
  for (unsigned i = 0; i < count; i += 4) {
    const uint16_t *at = quotes + i;
    bool last = i + 4 == count;
    size_t next = last ? size - 1 : at[4] - 1u;
    enum member member = member_named((struct word){text + at[0] + 1, at[1] - at[0] - 1u});
    if (at[2] != at[1] + 2 || text[at[1] + 1] != ':' || at[3] + 1u != next ||
        text[next] != (last ? '}' : ','))
      return false;
    if (member < MEMBERS &&
        !set_member(members, member, (struct word){text + at[2] + 1, at[3] - at[2] - 1u}))
      return false;
  }
  return true;
}

/* Takes the value that the parser is at as the member's text. Returns what was expected, or NULL.
 */
static const char *take_value(struct json *json, enum member member, struct members *members) {
  static const char *const wrong[MEMBERS] = {
      "a string was expected in \"id\"",          "a string was expected in \"action\"",
      "a string was expected in \"reason\"",      "a string was expected in \"created_at\"",
      "a string was expected in \"redacted_at\"", ""};
  enum json_type type = json_type(json);
  struct json_text text = {"", 0, false};
  if (members->seen >> member & 1) return "a member appears twice in this row";
  if (type == JSON_OBJECT || type == JSON_ARRAY)
    json_skip(json);
  else
    text = json_scalar(json);
  if (json->problem) return json->problem;
  if (type == JSON_NULL || (member == MEMBER_ERROR && type == JSON_FALSE)) return NULL;
  if (member != MEMBER_ERROR && type != JSON_STRING &&
      !(member == MEMBER_ID && type == JSON_NUMBER))
    return wrong[member];
  if (text.escaped) {
    size_t size = json_decode(text, members->decoded[member], WORD_MAX);
    text.text = members->decoded[member];
    text.size = size < WORD_MAX ? size : WORD_MAX - 1;
    members->decoded[member][text.size] = '\0';
  }
  set_member(members, member, (struct word){text.text, text.size});
  return NULL;
}

/* Escapes in keys are decoded. */
static enum member member_of(struct json_text key) {
  char decoded[WORD_MAX];
  size_t size;
  if (!key.escaped) return member_named((struct word){key.text, key.size});
  size = json_decode(key, decoded, WORD_MAX);
  return size <= WORD_MAX ? member_named((struct word){decoded, size}) : MEMBERS;
}

static const char *parse_json(const char *text, size_t size, struct members *members, size_t *at) {
  struct json json;
  struct json_text key;
  json_begin(&json, text, size);
  if (json_type(&json) != JSON_OBJECT) return "a JSON object was expected";
  json_enter(&json);
  while (json_member(&json, &key)) {
    enum member member = member_of(key);
    const char *wrong = NULL;
    *at = *json.at;
    if (member < MEMBERS)
      wrong = take_value(&json, member, members);
    else
      json_skip(&json);
    if (wrong && wrong != json.problem) return wrong;
  }
  if (json_finish(&json)) return NULL;
  *at = json.problem_at;
  return json.problem;
}

/* Appends the printable part of the word to a message. */
static void describe(char *text, size_t room, const char *name, struct word word) {
  size_t used = strlen(text);
  int size = snprintf(text + used, room - used, "%s%s ", used > 0 ? ", " : "", name);
  used += (size_t)size;
  if (!word.text) {
    snprintf(text + used, room - used, "absent");
    return;
  }
  snprintf(text + used, room - used, "\"%.*s\"", (int)(word.size < WORD_MAX ? word.size : WORD_MAX),
           word.text);
  for (char *c = text + used; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

static void count_row(const struct results_row *row, const struct members *members,
                      struct results_counts *counts) {
  struct word created = members->words[MEMBER_CREATED_AT];
  bool unknown = row->fact == FACT_UNKNOWN;
  uint64_t *rows = unknown ? &counts->unknown : &counts->other;
  char *text = unknown ? counts->unknown_text : counts->other_text;
  counts->rows++;
  if (created.text && created.size > 0) {
    counts->zulu += created.text[created.size - 1] == 'Z';
    counts->offset += created.text[created.size - 1] == '0';
  }
  if (!unknown && row->fact != FACT_OTHER) return;
  if ((*rows)++ > 0) return;
  text[0] = '\0';
  describe(text, SAID, "action", members->words[MEMBER_ACTION]);
  describe(text, SAID, "reason", members->words[MEMBER_REASON]);
}

/* What follows a word (a quote, a comma, a zero byte) is not a digit. */
static uint64_t read_id(struct word word) {
  uint64_t id;
  return id_read(word.text, &id) == word.size ? id : 0;
}

const char *results_parse(const char *text, size_t size, struct results_row *row,
                          struct results_counts *counts, size_t *at) {
  struct members members;
  const struct word *words = members.words;
  memset(&members, 0, offsetof(struct members, decoded));
  *at = 0;
  if (!scan_plain(text, size, &members)) {
    const char *wrong;
    memset(&members, 0, offsetof(struct members, decoded));
    wrong = parse_json(text, size, &members, at);
    if (wrong) return wrong;
    *at = 0;
  }
  memset(row, 0, sizeof *row);
  if (!words[MEMBER_ACTION].text && !words[MEMBER_REASON].text && !words[MEMBER_ERROR].text)
    return "an object with \"action\", \"reason\" or \"error\" was expected: this is not a row "
           "of results";
  row->fact = fact_of(words[MEMBER_ACTION], words[MEMBER_REASON], words[MEMBER_ERROR].text != NULL);
  if (words[MEMBER_ID].text) row->id = read_id(words[MEMBER_ID]);
  if (row->id == 0 && row->fact != FACT_INVALID)
    return words[MEMBER_ID].text ? "its \"id\" is not an id (1 to 19 digits and nothing else)"
                                 : "a row with an \"id\" was expected";
  if (words[MEMBER_REDACTED_AT].text && !read_time(words[MEMBER_REDACTED_AT], &row->redacted_at))
    return "a time like 2021-08-17T17:26:15Z was expected in \"redacted_at\"";
  if (counts) count_row(row, &members, counts);
  return NULL;
}

/* }================================================================== */

/* {==================================================================
** Files
** =================================================================== */

static bool is_blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') return false;
  return true;
}

/* Common mistakes instead of results. */
static const char *known_mistake(const struct reader *reader) {
  size_t at = 0;
  while (at < reader->size && strchr(" \t\r\n", reader->text[at]))
    at++;
  if (at == reader->size) return NULL;
  if (reader->text[at] == '<')
    return "holds HTML or XML, not result rows: the link may have expired - get the job again and "
           "download from its new download_url";
  if (reader->text[at] == '[')
    return "holds a JSON array, not result rows - give the file as it was downloaded";
  return NULL;
}

/* Adds the place of the first row of a kind before what it says. */
static void add_place(char *text, const char *path, uint64_t line) {
  char said[SAID];
  size_t size = strlen(path), room = RESULTS_TEXT - SAID - 32;
  memcpy(said, text, sizeof said);
  snprintf(text, RESULTS_TEXT, "%s%.60s, line %" PRIu64 ": %.*s", size > room ? "..." : "",
           size > room ? path + size - room : path, line, SAID - 1, said);
}

struct file {
  struct reader *reader;
  const struct results_options *options;
  struct results_counts *counts;
  uint64_t bytes_before;
  bool shared; /* by several threads */
};

/* What one thread has read, up to the first line that is not a row. */
struct found {
  struct results_row *rows;
  size_t count, room;
  struct results_counts counts;
  bool failed;
  struct error error;
  struct lines_piece piece;
};

static bool add_row(struct found *found, const struct results_row *row) {
  if (!memory_reserve(&found->rows, &found->room, found->count + 1, sizeof *found->rows))
    return false;
  found->rows[found->count++] = *row;
  return true;
}

/* Parses a line of the piece; `whole`: it has a line end. */
static bool parse_line(const struct file *file, struct found *found, const char *text, size_t size,
                       bool whole) {
  struct lines_piece *piece = &found->piece;
  const char *path = file->reader->path, *wrong;
  struct results_counts *counts = &found->counts;
  uint64_t unknown = counts->unknown, other = counts->other;
  struct results_row row;
  size_t at;
  if (size > 0 && text[size - 1] == '\r') size--;
  if (is_blank(text, size)) return true;
  wrong = results_parse(text, size, &row, counts, &at);
  if (wrong) {
    error_at(&found->error, ERROR_DATA, path, lines_line(file->reader, piece, text),
             piece->byte + (uint64_t)(text - piece->text) + at, "%s%s", wrong,
             whole ? "" : " - the last row has no end: the file is truncated, download it again");
    return false;
  }
  if (counts->unknown == 1 && unknown == 0)
    add_place(counts->unknown_text, path, lines_line(file->reader, piece, text));
  if (counts->other == 1 && other == 0)
    add_place(counts->other_text, path, lines_line(file->reader, piece, text));
  if (add_row(found, &row)) return true;
  error_memory(&found->error, "reading %s", path);
  return false;
}

static enum turns_step take_lines(void *context, void *state, struct error *error) {
  const struct file *file = context;
  return lines_take(file->reader, &((struct found *)state)->piece, file->shared, error);
}

static bool parse_lines(void *context, void *state, struct turn *turn) {
  const struct file *file = context;
  struct found *found = state;
  const struct lines_piece *piece = &found->piece;
  const char *start, *end;
  bool is_row = true;
  (void)turn;
  found->failed = !lines_read(file->reader, &found->piece, &found->error);
  start = piece->text;
  end = start + piece->size;
  while (start < end && is_row) {
    const char *feed = memchr(start, '\n', (size_t)(end - start)), *stop = feed ? feed : end;
    is_row = parse_line(file, found, start, (size_t)(stop - start), feed != NULL);
    start = stop + 1;
  }
  found->failed = found->failed || !is_row;
  return true;
}

static bool give_rows(void *context, void *state, struct error *error) {
  struct file *file = context;
  struct found *found = state;
  const struct results_options *options = file->options;
  results_add(file->counts, &found->counts);
  for (size_t i = 0; options->take && i < found->count; i++)
    if (!options->take(options->context, &found->rows[i], error)) return false;
  if (found->failed) {
    *error = found->error;
    return false;
  }
  found->count = 0;
  memset(&found->counts, 0, sizeof found->counts);
  if (options->task)
    task_set(options->task, options->counter, file->bytes_before + reader_done(file->reader));
  return true;
}

static bool read_lines(struct file *file, struct error *error) {
  static const struct turns_work work = {take_lines, parse_lines, give_rows};
  unsigned count = lines_threads(file->reader, file->options->jobs);
  struct found *founds = calloc(count, sizeof *founds);
  bool ok;
  if (!founds) {
    error_memory(error, "reading %s", file->reader->path);
    return false;
  }
  file->shared = count > 1;
  ok = turns_run(&work, file, founds, sizeof *founds, count, error);
  for (unsigned i = 0; i < count; i++) {
    free(founds[i].rows);
    lines_free(&founds[i].piece);
  }
  free(founds);
  return ok;
}

void results_add(struct results_counts *to, const struct results_counts *from) {
  if (to->unknown == 0) strcpy(to->unknown_text, from->unknown_text);
  if (to->other == 0) strcpy(to->other_text, from->other_text);
  to->rows += from->rows;
  to->bytes += from->bytes;
  to->unknown += from->unknown;
  to->other += from->other;
  to->zulu += from->zulu;
  to->offset += from->offset;
}

bool results_read(const char *path, const struct results_options *options,
                  struct results_counts *counts, struct error *error) {
  struct reader *reader = reader_open(path, options->task, error);
  struct file file = {reader, options, counts, counts->bytes, false};
  const char *mistake;
  bool ok = false;
  if (!reader) return false;
  reader->record_max = ROW_MAX;
  if (options->name) reader->path = options->name;
  mistake = known_mistake(reader);
  if (reader->packing) {
    error_at(error, ERROR_DATA, reader->path, 0, 0,
             "is compressed (%s), but results are plain JSON Lines - unpack it with %s",
             reader->packing->name, reader->packing->unpacker);
  } else if (mistake) {
    error_at(error, ERROR_DATA, reader->path, 0, 0, "%s", mistake);
  } else {
    ok = read_lines(&file, error);
    counts->bytes += reader_done(reader);
  }
  reader_close(reader);
  return ok;
}

/* }================================================================== */
