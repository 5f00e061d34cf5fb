/* prefilter_test.c - no record with an id that matters is missed, whatever surrounds it; all
 * methods agree
 */
#include <stdlib.h>

#include "check.h"
#include "dataset/bytes/reader.h"
#include "dataset/text/id.h"
#include "dataset/verdicts/prefilter.h"

enum { TEXT_MAX = 1 << 16, IDS = 40 };

static uint64_t state = 88172645463325252u;

static uint64_t random_number(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static uint64_t upto(uint64_t n) {
  return random_number() % n;
}

static uint64_t ids[IDS];
static struct verdicts *verdicts;

/* Ids of at least `digits` digits. */
static void make_verdicts(unsigned digits) {
  struct verdicts_builder *builder = verdicts_build();
  uint64_t least = 1;
  for (unsigned i = 1; i < digits; i++)
    least *= 10;
  for (int i = 0; i < IDS; i++) {
    struct verdict verdict = {0, 0, FACT_DELETED};
    ids[i] = verdict.id = least + upto(i % 2 ? 9 * least : INT64_MAX - least);
    if (ids[i] > INT64_MAX) ids[i] = verdict.id = INT64_MAX;
    verdicts_add(builder, i % 3 ? VERDICTS_TWEETS : VERDICTS_USERS, &verdict);
  }
  verdicts = verdicts_finish(builder, NULL);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool matters(uint64_t id) {
  struct verdict verdict;
  return verdicts_find(&verdicts->sets[0], id, &verdict) ||
         verdicts_find(&verdicts->sets[1], id, &verdict);
}

/* Whether a line must be a hit, by a slow reference. */
static bool must_hit(const char *line, size_t size) {
  size_t end = size;
  if (end > 0 && line[end - 1] == '\r') end--;
  if (end < 2 ||
      !((line[0] == '{' && line[end - 1] == '}') || (line[0] == '[' && line[end - 1] == ']')))
    return true;
  for (size_t i = 0; i < size; i++) {
    size_t run = i;
    if (size - i >= 5 && memcmp(line + i, "\\u003", 5) == 0) return true;
    while (run < size && is_digit(line[run]))
      run++;
    if (run > i && (i == 0 || !is_digit(line[i - 1])) && matters(id_parse(line + i, run - i)))
      return true;
  }
  return false;
}

/* Lines of braces, digits, ids, escapes and other things. */
static size_t make_text(char *text) {
  static const char *const pieces[] = {"{\"id\":\"", "\"}",  "}", "{",       "[",  "]",     "\n",
                                       "\n",         "\r\n", "0", "\\u0030", "\\", "\\u00", "3"};
  size_t size = 0, wanted = upto(8) == 0 ? upto(200) : 1 + upto(TEXT_MAX - 100);
  while (size < wanted) {
    uint64_t kind = upto(100);
    if (kind < 8)
      size += id_format(ids[upto(IDS)], text + size);
    else if (kind < 30)
      size += id_format(1 + upto(INT64_MAX) / (uint64_t)(1 + upto(1000000)), text + size);
    else if (kind < 60)
      size += (size_t)sprintf(text + size, "%s", pieces[upto(sizeof pieces / sizeof *pieces)]);
    else if (kind < 75)
      size += (size_t)sprintf(text + size, "}\n{");
    else
      text[size++] = (char)(upto(2) ? 'a' + upto(26) : upto(256));
  }
  return size;
}

static void check_text(struct prefilter *filter, const char *text, size_t size) {
  static struct prefilter_hits hits, others;
  uint64_t lines, other_lines, counted = 0;
  size_t hit = 0, certain = 0;
  CHECK(prefilter_use(filter, PREFILTER_PORTABLE));
  if (!prefilter_scan(filter, text, size, &hits, &lines)) exit(1);
  for (enum prefilter_method method = PREFILTER_16; method <= PREFILTER_AVX2; method++) {
    if (!prefilter_use(filter, method)) continue;
    if (!prefilter_scan(filter, text, size, &others, &other_lines)) exit(1);
    if (lines != other_lines || hits.count != others.count ||
        (hits.count > 0 && memcmp(hits.at, others.at, hits.count * sizeof *hits.at) != 0))
      FAIL("all methods see the same");
  }
  for (size_t start = 0; start < size; counted++) {
    const char *feed = memchr(text + start, '\n', size - start);
    size_t end = feed ? (size_t)(feed - text) : size;
    bool is_hit = hit < hits.count && hits.at[hit] <= end;
    if (must_hit(text + start, end - start) && !is_hit) FAIL("nothing is missed");
    if (is_hit) certain++;
    while (hit < hits.count && hits.at[hit] <= end) {
      if (hits.at[hit] < start) FAIL("hits are in order");
      hit++;
    }
    start = end + 1;
  }
  CHECK(hit == hits.count && counted == lines && certain <= lines);
}

/* A record that must be found, of `filler` bytes more, and words full of hits after it. */
static void check_full_words(const struct prefilter *filter, uint64_t id, size_t before,
                             size_t filler) {
  static char text[2048];
  static struct prefilter_hits hits;
  size_t size, end = sizeof text - READER_PADDING;
  uint64_t lines;
  bool found = false;
  memset(text, '\n', sizeof text);
  size = (size_t)sprintf(text + before, "{\"id\":\"%llu\",\"%*s\"}", (unsigned long long)id,
                         (int)filler, "");
  text[before + size] = '\n';
  if (!prefilter_scan(filter, text, end, &hits, &lines)) exit(1);
  for (size_t i = 0; i < hits.count; i++)
    found = found || (hits.at[i] >= before && hits.at[i] < before + size);
  if (!found) FAIL("a record before many hits is found");
  if (lines != end - size || hits.count != lines) FAIL("each line is a hit");
}

int main(void) {
  static char text[TEXT_MAX + 256];
  const uint32_t matter[VERDICTS_TYPES] = {FACT_DELETE, FACT_DELETE};
  for (unsigned digits = 1; digits <= 19; digits++) {
    struct prefilter *filter;
    make_verdicts(digits);
    filter = prefilter_new(verdicts, matter, NULL);
    if (!filter) return 1;
    for (int i = 0; i < 40; i++) {
      size_t size = make_text(text);
      memset(text + size, i % 2 ? '1' : 0, READER_PADDING); /* what is after is not seen */
      if (i % 2) text[size] = 'x';
      check_text(filter, text, size);
    }
    for (size_t filler_size = 0; filler_size < 64; filler_size++) /* each phase of the queue */
      for (size_t before = 0; before < 20; before += 3)
        check_full_words(filter, ids[1], before, filler_size);
    CHECK(true);
    CHECK(prefilter_facts(filter, VERDICTS_TWEETS, ids[1]) == FACT_DELETED);
    if (digits > 5) CHECK(prefilter_facts(filter, VERDICTS_USERS, ids[1]) == 0);
    prefilter_free(filter);
    verdicts_release(verdicts);
  }
  return check_end();
}
