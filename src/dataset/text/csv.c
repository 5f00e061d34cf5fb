/* csv.c - see csv.h
 *
 * Quotes make CSV hard to cut, and a running exclusive or of their bits makes it easy: a byte is
 * inside quotes if the number of quotes before it is odd, doubled ones included. The masks of 64
 * bytes then give the separators that count; those of unwanted columns are counted, not visited.
 */
#include "dataset/text/csv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes16.h"
#include "characters.h"
#include "error.h"

enum { BLOCK = 64 };

const char CSV_NO_MEMORY[] = "out of memory";
static const char LOOSE_QUOTE[] =
    "a quote within a cell that does not begin with one - quote the cell and double the quote";
static const char AFTER_QUOTE[] = "something follows the closing quote of a cell";
static const char OPEN_QUOTE[] = "the file ends within a quoted cell";
static const char LONE_RETURN[] = "a carriage return without a line feed - convert the line ends";

/* The classes of 64 bytes. */
struct masks {
  uint64_t quotes, separators, feeds, returns;
};

#if BYTES16

static uint64_t equal(const bytes16 *quarters, char c) {
  return bytes16_bits(bytes16_equal(quarters[0], c), bytes16_equal(quarters[1], c),
                      bytes16_equal(quarters[2], c), bytes16_equal(quarters[3], c));
}

static struct masks find(const char *text, char separator, char feed) {
  const bytes16 quarters[4] = {bytes16_at(text), bytes16_at(text + 16), bytes16_at(text + 32),
                               bytes16_at(text + 48)};
  return (struct masks){equal(quarters, '"'), equal(quarters, separator), equal(quarters, feed),
                        feed == '\r' ? 0 : equal(quarters, '\r')};
}

#else

static struct masks find(const char *text, char separator, char feed) {
  struct masks masks = {0};
  for (int i = 0; i < BLOCK; i++) {
    uint64_t bit = (uint64_t)1 << i;
    if (text[i] == '"') masks.quotes |= bit;
    if (text[i] == separator) masks.separators |= bit;
    if (text[i] == feed) masks.feeds |= bit;
    if (text[i] == '\r' && feed != '\r') masks.returns |= bit;
  }
  return masks;
}

#endif

/* Each bit becomes the exclusive or of itself and all below. */
static uint64_t running_xor(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

/* x86-64 itself has no instruction for it. */
static uint32_t count_bits(uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555u;
  bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
  return (uint32_t)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

/* The position of the scan of one row. */
struct scan {
  const char *text;      /* the row */
  uint32_t column, next; /* the cell that it is in; the next wanted one, by number in `wanted` */
  const char *cell;      /* where that cell begins, if it is wanted */
  uint64_t inside;       /* all ones within quotes */
  bool may_open, closed, returned; /* the byte before: allows a quote; closed a quote; is a carriage
                                    * return */
};

static void take_cell(struct csv *csv, struct scan *scan, const char *end) {
  while (scan->next < csv->wanted_count && csv->wanted[scan->next] == scan->column)
    csv->cells[csv->places[scan->next++]] =
        (struct csv_cell){scan->cell, (size_t)(end - scan->cell)};
}

/* The separators of a block that count, `block` being its first byte. */
static void pass_separators(struct csv *csv, struct scan *scan, const char *block,
                            uint64_t separators) {
  uint32_t count = count_bits(separators);
  bool wanted = scan->next < csv->wanted_count && csv->wanted[scan->next] <= scan->column + count;
  if (!wanted) {
    scan->column += count;
    return;
  }
  for (; separators; separators &= separators - 1) {
    const char *at = block + __builtin_ctzll(separators);
    take_cell(csv, scan, at);
    scan->column++;
    scan->cell = at + 1;
  }
}

static enum csv_step bad(struct csv *csv, const char *problem, size_t at) {
  csv->problem = problem;
  csv->problem_at = at;
  return CSV_BAD;
}

/* The bytes of a block, up to the end of the row, at which quotes break the rules. */
static uint64_t loose_quotes(struct scan *scan, const struct masks *masks, uint64_t inside,
                             uint64_t ends, uint64_t *after) {
  uint64_t opening = masks->quotes & inside, closing = masks->quotes & ~inside;
  uint64_t may_open = (ends | closing) << 1 | scan->may_open;
  uint64_t closed = closing << 1 | scan->closed;
  *after = closed & ~(masks->separators | masks->feeds | masks->returns | masks->quotes);
  scan->may_open = (ends | closing) >> 63;
  scan->closed = closing >> 63;
  return opening & ~may_open;
}

/* Scans one block, of which the bytes in `valid` belong to the text. Sets `*end` to the line feed
 * that ends the row, if it is there. */
static enum csv_step scan_block(struct csv *csv, struct scan *scan, const char *block,
                                uint64_t valid, const char **end) {
  struct masks masks = find(block, csv->separator, csv->feed);
  uint64_t inside, feeds, separators, loose, after, lone;
  masks.quotes &= valid;
  inside = running_xor(masks.quotes) ^ scan->inside;
  feeds = masks.feeds & ~inside & valid;
  if (feeds) valid &= feeds ^ (feeds - 1); /* up to the first, and with it */
  separators = masks.separators & ~inside & valid;
  lone = (masks.returns & ~inside) << 1 | scan->returned;
  lone &= ~masks.feeds & valid;
  scan->returned = (masks.returns & ~inside & valid) >> 63;
  loose = loose_quotes(scan, &masks, inside, separators, &after) & valid;
  after &= valid;
  if (loose | after | lone) {
    uint64_t all = loose | after | lone, first = all & -all;
    return bad(csv,
               first & loose   ? LOOSE_QUOTE
               : first & after ? AFTER_QUOTE
                               : LONE_RETURN,
               (size_t)(block + __builtin_ctzll(all) - scan->text));
  }
  scan->inside = (uint64_t)((int64_t)inside >> 63);
  pass_separators(csv, scan, block, separators);
  *end = feeds ? block + __builtin_ctzll(feeds) : NULL;
  return CSV_ROW;
}

/* The row is text[0 .. end), without its line feed. */
static enum csv_step end_row(struct csv *csv, struct scan *scan, const char *end) {
  if (csv->feed == '\n' && end > scan->text && end[-1] == '\r') end--;
  take_cell(csv, scan, end);
  csv->row = scan->text;
  csv->row_size = (size_t)(end - scan->text);
  if (scan->column + 1 == csv->columns) return CSV_ROW;
  snprintf(csv->complaint, sizeof csv->complaint,
           "a row of %llu %s%s, but the header has %u - is a quote missing, or is there one "
           "too many?",
           COUNTED(scan->column + 1, "cell"), csv->columns);
  return bad(csv, csv->complaint, 0);
}

/* Line ends at the start of the text: blank lines. */
static size_t blank_size(const char *text, size_t size) {
  size_t blank = 0;
  while (blank < size && (text[blank] == '\n' || text[blank] == '\r'))
    blank++;
  return blank;
}

/* Quotes are wrong in the row at text[blank]: the next row is the one after the line of the
 * problem. */
static enum csv_step bad_row(struct csv *csv, const char *text, size_t blank, size_t size,
                             bool ended) {
  const char *feed;
  csv->problem_at += blank;
  feed = memchr(text + csv->problem_at, csv->feed, size - csv->problem_at);
  if (!feed && !ended) {
    csv->problem = NULL;
    return CSV_MORE;
  }
  csv->used = feed ? (size_t)(feed + 1 - text) : size;
  return CSV_BAD;
}

enum csv_step csv_next(struct csv *csv, const char *text, size_t size, bool ended) {
  size_t blank = blank_size(text, size);
  struct scan scan = {.text = text + blank, .cell = text + blank, .may_open = true};
  csv->problem = NULL;
  csv->used = blank;
  if (blank == size) return ended ? CSV_END : CSV_MORE;
  for (size_t at = blank; at < size; at += BLOCK) {
    uint64_t valid = size - at < BLOCK ? UINT64_MAX >> (BLOCK - (size - at)) : UINT64_MAX;
    const char *end;
    if (scan_block(csv, &scan, text + at, valid, &end) == CSV_BAD)
      return bad_row(csv, text, blank, size, ended);
    if (!end) continue;
    csv->used = (size_t)(end + 1 - text);
    if (end_row(csv, &scan, end) == CSV_BAD) csv->problem_at = blank;
    return csv->problem ? CSV_BAD : CSV_ROW;
  }
  if (!ended) return CSV_MORE;
  csv->used = size;
  if (scan.inside) return bad(csv, OPEN_QUOTE, blank);
  if (end_row(csv, &scan, text + size) == CSV_ROW) return CSV_ROW;
  csv->problem_at = blank;
  return CSV_BAD;
}

/* The header */

/* The end of the cell or row at `at`: the first of `ends` outside of quotes, or `end`. */
static const char *span(const char *at, const char *end, char one, char other) {
  bool inside = false;
  for (; at < end; at++) {
    if (*at == '"') inside = !inside;
    if (!inside && (*at == one || *at == other)) return at;
  }
  return inside ? NULL : end;
}

static char choose_separator(const char *text, const char *end) {
  static const char choices[] = ",;\t";
  char best = ',';
  uint32_t most = 0;
  for (const char *choice = choices; *choice; choice++) {
    uint32_t count = 0;
    for (const char *at = text; (at = span(at, end, *choice, *choice)) && at < end; at++)
      count++;
    if (count <= most) continue;
    most = count;
    best = *choice;
  }
  return best;
}

/* Splits the header and decodes its names, which together are not longer than the header. */
static enum csv_step read_names(struct csv *csv, const char *text, const char *end) {
  char *name;
  if (memchr(text, '\0', (size_t)(end - text))) return bad(csv, "a header with a zero byte", 0);
  name = csv->names = malloc((size_t)(end - text) + 2);
  if (!name) return bad(csv, CSV_NO_MEMORY, 0);
  for (const char *at = text;; at++) {
    const char *cell_end = span(at, end, csv->separator, csv->separator);
    struct csv_cell cell = {at, (size_t)(cell_end - at)};
    size_t size = csv_decode(cell, name, cell.size);
    name += size;
    *name++ = '\0';
    if (++csv->columns > CSV_COLUMNS_MAX) return bad(csv, "a header of more than 4096 columns", 0);
    at = cell_end;
    if (at == end) return CSV_ROW;
  }
}

/* Passes a line `sep=;` at the start, as Excel writes it. Returns its size; 0: there is none. */
static size_t separator_line(const char *text, size_t size, char *separator) {
  size_t at = 5;
  if (size < 6 || strncasecmp(text, "sep=", 4) != 0 || strchr("\r\n\"", text[4])) return 0;
  if (text[at] == '\r') at++;
  if (at < size && text[at] == '\n') at++;
  if (at == 5) return 0;
  *separator = text[4];
  return at;
}

/* Whether a line ends at `at` in a carriage return, and no line ends in a line feed. */
static bool is_return_alone(const char *at, const char *end) {
  return at < end && *at == '\r' && !memchr(at, '\n', (size_t)(end - at));
}

enum csv_step csv_header(struct csv *csv, const char *text, size_t size, bool ended) {
  char separator = '\0';
  size_t blank = blank_size(text, size);
  const char *end;
  if (size < 8 && !ended && strncasecmp(text, "sep=", size < 4 ? size : 4) == 0) return CSV_MORE;
  blank += separator_line(text + blank, size - blank, &separator);
  end = span(text + blank, text + size, '\n', '\r');
  csv->used = blank;
  /* what follows a carriage return says what it is */
  if (!ended && (!end || end == text + size || (*end == '\r' && end + 1 == text + size)))
    return CSV_MORE;
  if (blank == size) return CSV_END;
  if (!end) return bad(csv, OPEN_QUOTE, blank);
  csv->feed = is_return_alone(end, text + size) ? '\r' : '\n';
  if (csv->feed == '\n' && end < text + size && *end == '\r' && end[1] != '\n')
    end = span(end, text + size, '\n', '\n');
  if (!end) return bad(csv, OPEN_QUOTE, blank);
  csv->row = text + blank;
  csv->row_size = (size_t)(end - csv->row);
  if (csv->feed == '\n' && csv->row_size > 0 && end[-1] == '\r') csv->row_size--;
  if (end < text + size && *end != csv->feed) end++;
  csv->used = end >= text + size ? size : (size_t)(end + 1 - text);
  csv->separator = separator ? separator : choose_separator(csv->row, csv->row + csv->row_size);
  return read_names(csv, csv->row, csv->row + csv->row_size);
}

bool csv_number_names(struct csv *csv) {
  char *names = malloc((size_t)csv->columns * 8 + 1), *at = names;
  if (!names) return false;
  for (uint32_t i = 1; i <= csv->columns; i++)
    at += sprintf(at, "#%u", i) + 1;
  free(csv->names);
  csv->names = names;
  return true;
}

const char *csv_name(const struct csv *csv, uint32_t column) {
  const char *name = csv->names;
  while (column-- > 0)
    name += strlen(name) + 1;
  return name;
}

int csv_column(const struct csv *csv, const char *name) {
  for (uint32_t i = 0; i < csv->columns; i++)
    if (strcmp(csv_name(csv, i), name) == 0) return (int)i;
  for (uint32_t i = 0; i < csv->columns; i++)
    if (strcasecmp(csv_name(csv, i), name) == 0) return (int)i;
  return -1;
}

int csv_want(struct csv *csv, int column) {
  uint32_t count = csv->wanted_count, at = count;
  struct csv_cell *cells = realloc(csv->cells, (count + 1) * sizeof *cells);
  uint32_t *wanted, *places;
  if (!cells) return -1;
  csv->cells = cells;
  if (!(wanted = realloc(csv->wanted, (count + 1) * sizeof *wanted))) return -1;
  csv->wanted = wanted;
  if (!(places = realloc(csv->places, (count + 1) * sizeof *places))) return -1;
  csv->places = places;
  for (; at > 0 && wanted[at - 1] > (uint32_t)column; at--) {
    wanted[at] = wanted[at - 1];
    places[at] = places[at - 1];
  }
  wanted[at] = (uint32_t)column;
  places[at] = count;
  csv->wanted_count++;
  return (int)count;
}

static size_t decode(const char *at, const char *end, bool quoted, char *to, size_t limit) {
  size_t size = 0;
  for (; at < end; at++) {
    if (size < limit) to[size] = *at;
    size++;
    if (quoted && *at == '"') at++; /* the second of two */
  }
  return size;
}

size_t csv_decode(struct csv_cell cell, char *to, size_t limit) {
  bool quoted = cell.size >= 2 && cell.text[0] == '"';
  return decode(cell.text + quoted, cell.text + cell.size - quoted, quoted, to, limit);
}

size_t csv_decode_trimmed(struct csv_cell cell, char *to, size_t limit) {
  bool quoted = cell.size >= 2 && cell.text[0] == '"';
  const char *start = cell.text + quoted, *end = cell.text + cell.size - quoted;
  while (start < end && is_white(*start))
    start++;
  while (end > start && is_white(end[-1]))
    end--;
  return decode(start, end, quoted, to, limit);
}

void csv_free(struct csv *csv) {
  free(csv->names);
  free(csv->wanted);
  free(csv->places);
  free(csv->cells);
  memset(csv, 0, sizeof *csv);
}
