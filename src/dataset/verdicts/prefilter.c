/* prefilter.c - see prefilter.h
 *
 * Three steps over pieces that fit the nearest cache. The first turns 64 bytes at a time into three
 * words of bits: digits, line ends, and places where an escaped digit may begin. The second keeps
 * only the starts of runs of digits that are long enough, so that short numbers, of which tweets
 * are full, cost nothing. The third visits the words that are not zero. The ids found wait in a
 * short queue while their words of the Bloom filter are fetched from memory.
 */
#include "dataset/verdicts/prefilter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bytes16.h"
#include "dataset/text/id.h"
#include "memory.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  WORDS = 256, /* of 64 bytes each: a piece */
  STEPS = 5,   /* 2^5 is more than ID_TEXT_MAX */
  HITS_MAX = 1 << 20,
  QUEUE = 512,
  BITS_PER_ID = 16,
  LARGE_PAGE = 1 << 21,
  VECTOR_SLACK = 4,
  TAIL = 2, /* words that hold 63 + VECTOR_SLACK bytes */
  NOW_AND_THEN = 1 << 16,
};

struct masks {
  uint64_t digits[WORDS + 1], lines[WORDS + 1], escapes[WORDS + 1];
};

/* Where runs of digits begin that are long enough. */
struct runs {
  uint64_t starts[WORDS + 1];
};

/* Fills `words` words of the masks; VECTOR_SLACK bytes after text[0 .. 64 * words) can be read. */
typedef void classify(const char *text, size_t words, struct masks *masks);

struct prefilter {
  const struct verdicts *verdicts;
  struct task *task; /* may be NULL */
  uint32_t matter[VERDICTS_TYPES];
  uint64_t *bloom;
  uint64_t words;                    /* of `bloom` */
  unsigned steps[STEPS], step_count; /* shifts that leave runs of the shortest id's length */
  classify *classify;
};

/* {==================================================================
** Bytes to bits
** =================================================================== */

static void classify_portable(const char *text, size_t words, struct masks *masks) {
  for (size_t word = 0; word < words; word++) {
    uint64_t digits = 0, lines = 0, escapes = 0;
    for (unsigned i = 0; i < 64; i++) {
      const char *c = text + word * 64 + i;
      digits |= (uint64_t)((unsigned char)(*c - '0') < 10) << i;
      lines |= (uint64_t)(*c == '\n') << i;
      escapes |= (uint64_t)(c[0] == '\\' && c[3] == '0' && c[4] == '3') << i;
    }
    masks->digits[word] = digits;
    masks->lines[word] = lines;
    masks->escapes[word] = escapes;
  }
}

#if BYTES16

static inline bytes16 is_line(bytes16 v) {
  return bytes16_equal(v, '\n');
}

static inline bytes16 is_digit16(bytes16 v) {
  return bytes16_at_most(v - bytes16_of('0'), 9);
}

static inline bytes16 is_escape_at(const char *c) {
  return bytes16_equal(bytes16_at(c), '\\') & bytes16_equal(bytes16_at(c + 3), '0') &
         bytes16_equal(bytes16_at(c + 4), '3');
}

static void classify_16(const char *text, size_t words, struct masks *masks) {
  for (size_t word = 0; word < words; word++, text += 64) {
    bytes16 a = bytes16_at(text), b = bytes16_at(text + 16), c = bytes16_at(text + 32),
            d = bytes16_at(text + 48);
    masks->digits[word] = bytes16_bits(is_digit16(a), is_digit16(b), is_digit16(c), is_digit16(d));
    masks->lines[word] = bytes16_bits(is_line(a), is_line(b), is_line(c), is_line(d));
    masks->escapes[word] = bytes16_bits(is_escape_at(text), is_escape_at(text + 16),
                                        is_escape_at(text + 32), is_escape_at(text + 48));
  }
}

#endif

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline uint64_t bits32(__m256i equal) {
  return (uint64_t)(uint32_t)_mm256_movemask_epi8(equal);
}

AVX2 static inline __m256i at32(const char *text) {
  return _mm256_loadu_si256((const __m256i *)(const void *)text);
}

AVX2 static void classify_avx2(const char *text, size_t words, struct masks *masks) {
  const __m256i zero = _mm256_set1_epi8('0'), nine = _mm256_set1_epi8(9),
                line = _mm256_set1_epi8('\n'), backslash = _mm256_set1_epi8('\\'),
                three = _mm256_set1_epi8('3');
  for (size_t word = 0; word < words; word++) {
    uint64_t digits = 0, lines = 0, escapes = 0;
    for (unsigned i = 0; i < 64; i += 32) {
      const char *c = text + word * 64 + i;
      __m256i bytes = at32(c), value = _mm256_sub_epi8(bytes, zero);
      __m256i escape = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, backslash),
                                        _mm256_and_si256(_mm256_cmpeq_epi8(at32(c + 3), zero),
                                                         _mm256_cmpeq_epi8(at32(c + 4), three)));
      digits |= bits32(_mm256_cmpeq_epi8(_mm256_min_epu8(value, nine), value)) << i;
      lines |= bits32(_mm256_cmpeq_epi8(bytes, line)) << i;
      escapes |= bits32(escape) << i;
    }
    masks->digits[word] = digits;
    masks->lines[word] = lines;
    masks->escapes[word] = escapes;
  }
}

#endif

bool prefilter_use(struct prefilter *filter, enum prefilter_method method) {
  switch (method) {
  case PREFILTER_PORTABLE: filter->classify = classify_portable; return true;
#if BYTES16
  case PREFILTER_16: filter->classify = classify_16; return true;
#endif
#if defined(__x86_64__)
  case PREFILTER_AVX2:
    if (!__builtin_cpu_supports("avx2")) return false;
    filter->classify = classify_avx2;
    return true;
#endif
  default: return false;
  }
}

/* }================================================================== */

/* {==================================================================
** The Bloom filter: four bits in one word for each id
** =================================================================== */

/* The high bits of the hash choose the word, the low ones the bits in it. */
static uint64_t *word_of(const struct prefilter *filter, uint64_t hash) {
  return filter->bloom + (uint64_t)(((unsigned __int128)hash * filter->words) >> 64);
}

static uint64_t bits_of(uint64_t hash) {
  return (uint64_t)1 << (hash & 63) | (uint64_t)1 << (hash >> 6 & 63) |
         (uint64_t)1 << (hash >> 12 & 63) | (uint64_t)1 << (hash >> 18 & 63);
}

static bool may_know(const struct prefilter *filter, uint64_t hash) {
  uint64_t bits = bits_of(hash);
  return (*word_of(filter, hash) & bits) == bits;
}

static bool is_cancelled(const struct prefilter *filter) {
  return filter->task && task_cancelled(filter->task);
}

/* Adds the ids that matter. Returns the smallest, or 0. */
static uint64_t fill_bloom(struct prefilter *filter) {
  uint64_t smallest = UINT64_MAX;
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    const struct verdict_set *set = &filter->verdicts->sets[type];
    for (uint64_t i = 0; i < set->count && !(i % NOW_AND_THEN == 0 && is_cancelled(filter)); i++) {
      struct verdict verdict = verdicts_at(set, i);
      uint64_t hash = verdict_hash(verdict.id);
      if (!(verdict.facts & filter->matter[type])) continue;
      *word_of(filter, hash) |= bits_of(hash);
      if (verdict.id < smallest) smallest = verdict.id;
    }
  }
  return smallest == UINT64_MAX ? 0 : smallest;
}

/* Words that are looked up at random, in large pages if possible: otherwise each look-up would miss
 * the page table too. */
static void *zeroed(size_t size) {
  size_t rounded = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
  void *memory = size < LARGE_PAGE ? calloc(1, size) : aligned_alloc(LARGE_PAGE, rounded);
  if (memory && size >= LARGE_PAGE) {
    madvise(memory, rounded, MADV_HUGEPAGE); /* harmless if it does not work */
    memset(memory, 0, size);
  }
  return memory;
}

/* Shifts by 1, 2, 4 ... and a rest add up to `length` - 1. */
static void set_steps(struct prefilter *filter, unsigned length) {
  unsigned have = 1;
  while (have < length) {
    unsigned step = length - have < have ? length - have : have;
    filter->steps[filter->step_count++] = step;
    have += step;
  }
}

struct prefilter *prefilter_new(const struct verdicts *verdicts,
                                const uint32_t matter[VERDICTS_TYPES], struct task *task) {
  struct prefilter *filter = calloc(1, sizeof *filter);
  char text[ID_FORMAT_ROOM];
  uint64_t count = 0, smallest;
  if (!filter) return NULL;
  filter->verdicts = verdicts;
  filter->task = task;
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    filter->matter[type] = matter[type];
    if (matter[type]) count += verdicts->sets[type].count;
  }
  filter->words = count * BITS_PER_ID / 64 + 1;
  filter->bloom = zeroed(filter->words * sizeof *filter->bloom);
  if (!filter->bloom) {
    prefilter_free(filter);
    return NULL;
  }
  smallest = fill_bloom(filter);
  if (is_cancelled(filter)) {
    prefilter_free(filter);
    return NULL;
  }
  set_steps(filter, smallest ? (unsigned)id_format(smallest, text) : ID_TEXT_MAX);
  if (!prefilter_use(filter, PREFILTER_AVX2) && !prefilter_use(filter, PREFILTER_16))
    prefilter_use(filter, PREFILTER_PORTABLE);
  return filter;
}

void prefilter_free(struct prefilter *filter) {
  if (!filter) return;
  free(filter->bloom);
  free(filter);
}

static uint32_t facts_of(const struct prefilter *filter, enum verdicts_type type, uint64_t id) {
  struct verdict verdict;
  if (!verdicts_find(&filter->verdicts->sets[type], id, &verdict)) return 0;
  return verdict.facts & filter->matter[type];
}

uint32_t prefilter_facts(const struct prefilter *filter, enum verdicts_type type, uint64_t id) {
  return may_know(filter, verdict_hash(id)) ? facts_of(filter, type, id) : 0;
}

/* }================================================================== */

/* {==================================================================
** Bits to hits
** =================================================================== */

struct scan {
  const struct prefilter *filter;
  const char *text;
  struct prefilter_hits *hits;
  bool unframed; /* the text is not lines: each hit counts, whatever is around it */
  size_t line_start;
  uint64_t lines;
  uint64_t hit_line;     /* the last line that is a hit */
  uint64_t digit_before; /* whether the byte before this piece is a digit */
  size_t whole;          /* words that can be classified in place */
  struct masks tail;     /* the others */
  size_t queued;
  size_t at[QUEUE];
  uint64_t hashes[QUEUE];
  uint64_t in_line[QUEUE]; /* the number of its line */
};

/* A hit, whatever the filter says; no id has this hash. */
static const uint64_t CERTAIN = 0;

static bool add_hit(struct prefilter_hits *hits, size_t at) {
  if (!memory_reserve(&hits->at, &hits->room, hits->count + 1, sizeof *hits->at)) return false;
  hits->at[hits->count++] = at;
  return true;
}

static uint64_t id_at(const struct scan *scan, size_t i) {
  uint64_t id;
  id_read(scan->text + scan->at[i], &id);
  return id;
}

/* Keeps in the queue what passes the Bloom filter, and prefetches the verdicts on it, for the next
 * step and for the judge of the record. */
static void sift_queue(struct scan *scan) {
  size_t left = 0;
  for (size_t i = 0; i < scan->queued; i++) {
    uint64_t hash = scan->hashes[i];
    if (hash != CERTAIN && !may_know(scan->filter, hash)) continue;
    scan->at[left] = scan->at[i];
    scan->in_line[left] = scan->in_line[i];
    scan->hashes[left] = hash;
    if (hash != CERTAIN)
      for (int type = 0; type < VERDICTS_TYPES; type++)
        verdicts_prefetch(&scan->filter->verdicts->sets[type], id_at(scan, left));
    left++;
  }
  scan->queued = left;
}

static bool is_hit(const struct scan *scan, size_t i) {
  uint64_t id;
  if (scan->hashes[i] == CERTAIN) return true;
  id = id_at(scan, i);
  return facts_of(scan->filter, VERDICTS_TWEETS, id) || facts_of(scan->filter, VERDICTS_USERS, id);
}

/* If there are very many, one hit a line is enough. */
static bool empty_queue(struct scan *scan) {
  sift_queue(scan);
  for (size_t i = 0; i < scan->queued; i++) {
    bool repeated = scan->in_line[i] == scan->hit_line && scan->hits->count >= HITS_MAX;
    if (repeated) scan->hits->partial = true;
    if (repeated || !is_hit(scan, i)) continue;
    if (!add_hit(scan->hits, scan->at[i])) return false;
    scan->hit_line = scan->in_line[i];
  }
  scan->queued = 0;
  return true;
}

static void queue(struct scan *scan, size_t at, uint64_t hash) {
  scan->at[scan->queued] = at;
  scan->in_line[scan->queued] = scan->lines;
  scan->hashes[scan->queued++] = hash;
}

static void queue_id(struct scan *scan, size_t at) {
  uint64_t id, hash;
  if (id_read(scan->text + at, &id) == 0) return;
  hash = verdict_hash(id);
  __builtin_prefetch(word_of(scan->filter, hash));
  queue(scan, at, hash);
}

/* Whether the line text[start .. end) begins and ends as one JSON object. */
static bool is_framed(const char *text, size_t start, size_t end) {
  if (end > start && text[end - 1] == '\r') end--;
  return end >= start + 2 && text[start] == '{' && text[end - 1] == '}';
}

/* For all words at once, which the compiler vectorises: a run of n digits begins at each bit that
 * is left when the digits are anded with themselves shifted by 1, 2, 4 and so on. */
static void find_runs(const struct prefilter *filter, const struct masks *masks,
                      uint64_t digit_before, struct runs *runs) {
  uint64_t *starts = runs->starts;
  memcpy(starts, masks->digits, sizeof runs->starts);
  for (unsigned step = 0; step < filter->step_count; step++) {
    unsigned shift = filter->steps[step];
    for (unsigned i = 0; i < WORDS; i++)
      starts[i] &= starts[i] >> shift | starts[i + 1] << (64 - shift);
    starts[WORDS] &= starts[WORDS] >> shift; /* only its low bits are needed, and they are right */
  }
  starts[0] &= ~(masks->digits[0] << 1 | digit_before);
  for (unsigned i = 1; i < WORDS; i++)
    starts[i] &= ~(masks->digits[i] << 1 | masks->digits[i - 1] >> 63);
}

static bool is_escaped_digit(const char *text) {
  return memcmp(text, "\\u003", 5) == 0;
}

static void end_line(struct scan *scan, size_t at) {
  if (scan->unframed) return;
  if (!is_framed(scan->text, scan->line_start, at)) queue(scan, at, CERTAIN);
  scan->line_start = at + 1;
  scan->lines++;
}

static bool scan_word(struct scan *scan, uint64_t runs, uint64_t lines, uint64_t escapes,
                      size_t base) {
  if (scan->queued > QUEUE - 64 && !empty_queue(scan)) return false;
  for (uint64_t bits = runs | lines | escapes; bits; bits &= bits - 1) {
    uint64_t bit = bits & (0 - bits);
    size_t at = base + (unsigned)__builtin_ctzll(bits);
    if (runs & bit)
      queue_id(scan, at);
    else if (lines & bit)
      end_line(scan, at);
    else if (is_escaped_digit(scan->text + at))
      queue(scan, at, CERTAIN);
  }
  return true;
}

static bool scan_piece(struct scan *scan, const struct masks *masks, size_t words, size_t base) {
  struct runs runs;
  find_runs(scan->filter, masks, scan->digit_before, &runs);
  scan->digit_before = masks->digits[WORDS - 1] >> 63;
  for (size_t i = 0; i < words; i++)
    if ((runs.starts[i] | masks->lines[i] | masks->escapes[i]) &&
        !scan_word(scan, runs.starts[i], masks->lines[i], masks->escapes[i], base + i * 64))
      return false;
  return true;
}

/* Masks of a piece that begins with word `first`, and of one word more; zeros after the text. */
static void classify_piece(const struct scan *scan, size_t first, struct masks *masks) {
  size_t whole = scan->whole > first ? scan->whole - first : 0;
  size_t done = whole < WORDS + 1 ? whole : WORDS + 1;
  scan->filter->classify(scan->text + first * 64, done, masks);
  for (; done < WORDS + 1; done++) {
    size_t i = first + done - scan->whole;
    masks->digits[done] = i < TAIL ? scan->tail.digits[i] : 0;
    masks->lines[done] = i < TAIL ? scan->tail.lines[i] : 0;
    masks->escapes[done] = i < TAIL ? scan->tail.escapes[i] : 0;
  }
}

/* The last bytes are classified in a copy, since vectors read a little beyond them. */
static void begin(struct scan *scan, size_t size) {
  char rest[(TAIL + 1) * 64] = {0};
  scan->whole = size > VECTOR_SLACK ? (size - VECTOR_SLACK) / 64 : 0;
  memcpy(rest, scan->text + scan->whole * 64, size - scan->whole * 64);
  scan->filter->classify(rest, TAIL, &scan->tail);
}

static bool scan_text(struct scan *scan, size_t size) {
  struct masks masks;
  size_t words = (size + 63) / 64;
  begin(scan, size);
  for (size_t first = 0; first < words; first += WORDS) {
    size_t count = words - first < WORDS ? words - first : WORDS;
    if (is_cancelled(scan->filter)) return false;
    classify_piece(scan, first, &masks);
    if (!scan_piece(scan, &masks, count, first * 64)) return false;
  }
  return true;
}

static void begin_scan(struct scan *scan, const struct prefilter *filter, const char *text,
                       struct prefilter_hits *hits) {
  memset(scan, 0, offsetof(struct scan, at));
  scan->filter = filter;
  scan->text = text;
  scan->hits = hits;
  scan->hit_line = UINT64_MAX;
  hits->count = 0;
  hits->partial = false;
}

bool prefilter_scan(const struct prefilter *filter, const char *text, size_t size,
                    struct prefilter_hits *hits, uint64_t *lines) {
  struct scan scan;
  begin_scan(&scan, filter, text, hits);
  if (!scan_text(&scan, size)) return false;
  if (scan.line_start < size) { /* the last line has no end */
    if (scan.queued == QUEUE && !empty_queue(&scan)) return false;
    if (!is_framed(text, scan.line_start, size)) queue(&scan, size - 1, CERTAIN);
    scan.lines++;
  }
  *lines = scan.lines;
  return empty_queue(&scan);
}

bool prefilter_find_all(const struct prefilter *filter, const char *text, size_t size,
                        struct prefilter_hits *hits) {
  struct scan scan;
  begin_scan(&scan, filter, text, hits);
  scan.unframed = true;
  return scan_text(&scan, size) && empty_queue(&scan);
}

/* }================================================================== */
