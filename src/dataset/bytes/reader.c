/* reader.c - see reader.h
 *
 * Plain read() into a buffer that is used again: mapping a file costs a page fault every 4 KiB,
 * which was measured at ten times the cost of copying it. What is left of a window is moved to the
 * front when it is filled again; the buffer doubles when that would be more than half of it, so the
 * cost of long records stays linear in their length.
 */
#include "dataset/bytes/reader.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "characters.h"
#include "dataset/bytes/decoder.h"
#include "dataset/bytes/foreign.h"
#include "dataset/bytes/json_cut.h"

enum { WINDOW_SIZE = 1 << 19, MOVE_SIZE = 1 << 23, COUNT_SIZE = 1 << 16 };

struct window {
  struct reader public;
  struct input input;
  struct decoder *decoder; /* NULL for plain input */
  unsigned decoders;       /* threads that may decode */
  char *buffer;
  size_t room;
  char *raw; /* for UTF-16: what has been read but not converted; else NULL */
  size_t raw_size;
  bool raw_ended;
  struct reader_count counted;
  enum json_place place; /* READER_VALUES */
  bool begun, assigned;  /* likewise: there was a value; an assignment before it */
};

/* The window */

uint64_t reader_line_ends(const char *text, const char *end) {
  uint64_t count = 0;
#ifdef __SSE2__
  const __m128i feed = _mm_set1_epi8('\n'), zero = _mm_setzero_si128();
  while (end - text >= 16) { /* sums of bytes, which hold no more than 255 */
    __m128i sums = zero;
    for (int i = 0; i < 255 && end - text >= 16; i++, text += 16)
      sums = _mm_sub_epi8(sums, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)text), feed));
    sums = _mm_sad_epu8(sums, zero);
    count += (uint64_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
  }
#endif
  while (text < end)
    count += *text++ == '\n';
  return count;
}

bool reader_is_plain(const struct reader *reader) {
  const struct window *window = (const struct window *)reader;
  const struct input *input = &window->input; /* some files of the kernel's have no size */
  return input->whole && input->total > 0 && !window->decoder && reader->encoding == ENCODING_UTF8;
}

/* Readers are const for those who only look at places of the file. */
static struct input *input_of(const struct reader *reader) {
  return &((struct window *)(uintptr_t)reader)->input;
}

int64_t reader_read_at(const struct reader *reader, void *to, size_t size, uint64_t at,
                       struct error *error) {
  return input_read_at(input_of(reader), to, size, at, error);
}

/* Counts the lines up to the offset `to`, by reading them. */
static bool count_lines(const struct reader *reader, struct reader_count *count, uint64_t to) {
  char text[COUNT_SIZE];
  struct error error;
  while (count->byte < to) {
    size_t size = to - count->byte < sizeof text ? (size_t)(to - count->byte) : sizeof text;
    if (reader_read_at(reader, text, size, count->byte, &error) != (int64_t)size) return false;
    count->line += reader_line_ends(text, text + size);
    count->byte += size;
  }
  return true;
}

uint64_t reader_count_to(const struct reader *reader, struct reader_count *count, const char *text,
                         uint64_t byte, const char *at) {
  uint64_t to = byte + (uint64_t)(at - text);
  if (to <= count->byte) return count->line;
  if (!count_lines(reader, count, byte)) return 0; /* not in memory, so of a plain file */
  count->line += reader_line_ends(text + (count->byte - byte), at);
  count->byte = to;
  return count->line;
}

uint64_t reader_line(struct reader *reader, const char *at) {
  struct window *window = (struct window *)reader;
  uint64_t start = reader->byte - (uint64_t)(reader->text - window->buffer); /* of the buffer */
  return reader_count_to(reader, &window->counted, window->buffer, start, at);
}

bool reader_take_range(struct reader *reader, size_t size, uint64_t *start, uint64_t *end,
                       struct error *error) {
  struct window *window = (struct window *)reader;
  uint64_t total = window->input.total, left = total > reader->byte ? total - reader->byte : 0;
  *start = reader->byte;
  *end = *start + (left < size ? left : size);
  reader->text = window->buffer;
  reader->size = 0;
  reader->byte = *end;
  reader->ended = left == 0;
  atomic_store(&window->input.done, *end);
  return !reader->ended || input_has_its_size(&window->input, error);
}

void reader_consume(struct reader *reader, size_t bytes) {
  reader->text += bytes;
  reader->size -= bytes;
  reader->byte += bytes;
}

static bool is_cancelled(const struct window *window, struct error *error) {
  if (!window->input.task || !task_cancelled(window->input.task)) return false;
  error_set(error, ERROR_CANCELLED, "reading %s was cancelled", window->public.path);
  return true;
}

/* Moves the text of the window to `to`, which may be before it. */
static bool move(const struct window *window, char *to, struct error *error) {
  const struct reader *reader = &window->public;
  size_t now;
  for (size_t at = 0; at < reader->size; at += now) {
    now = reader->size - at < MOVE_SIZE ? reader->size - at : MOVE_SIZE;
    if (is_cancelled(window, error)) return false;
    memmove(to + at, reader->text + at, now);
  }
  return true;
}

bool reader_refuse_long(const struct reader *reader, uint64_t line, uint64_t byte,
                        struct error *error) {
  error_at(error, ERROR_DATA, reader->path, line, byte,
           "a record is longer than %zu MiB - does the file have one record on each line?",
           reader->record_max >> 20);
  return false;
}

/* Moves what is left to the front of the buffer, or of a larger one. */
static bool make_room(struct window *window, struct error *error) {
  struct reader *reader = &window->public;
  char *buffer = window->buffer;
  if (!reader_is_plain(reader)) reader_line(reader, reader->text);
  if (reader->size > reader->record_max)
    return reader_refuse_long(reader, reader_line(reader, reader->text), reader->byte, error);
  if (reader->size > window->room / 2) {
    size_t room = 2 * window->room;
    buffer = malloc(room + READER_PADDING);
    if (!buffer) return error_memory(error, "reading %s", reader->path);
  }
  if (!move(window, buffer, error)) {
    if (buffer != window->buffer) free(buffer);
    return false;
  }
  if (buffer != window->buffer) {
    free(window->buffer);
    window->room *= 2;
  }
  window->buffer = buffer;
  reader->text = buffer;
  return true;
}

/* Compressed bytes are corrupt: says where in the decoded text. */
static void locate(struct reader *reader, struct error *error) {
  char problem[sizeof error->message];
  if (error->code != ERROR_DATA || error->file[0] != '\0') return;
  memcpy(problem, error->message, sizeof problem);
  error_at(error, ERROR_DATA, reader->path, reader_line(reader, reader->text + reader->size),
           reader->byte + reader->size, "%s", problem);
}

/* Reads the bytes of the file, decoded if it is packed. */
static int64_t read_bytes(struct window *window, char *to, size_t room, struct error *error) {
  return window->decoder ? decoder_read(window->decoder, to, room, error)
                         : input_read(&window->input, to, room, error);
}

static int64_t refuse_half(const struct reader *reader, struct error *error) {
  error_at(error, ERROR_DATA, reader->path, 0, 0,
           "is UTF-16 text that ends in the middle of a character - download or copy it again");
  return -1;
}

/* The same for UTF-16: what is there is converted, and more is read if that is nothing. */
static int64_t read_utf16(struct window *window, char *to, size_t room, struct error *error) {
  struct reader *reader = &window->public;
  size_t most = room / 3 * 2 < WINDOW_SIZE ? room / 3 * 2 : WINDOW_SIZE;
  for (;;) {
    size_t used = window->raw_size < most ? window->raw_size : most;
    size_t made = utf16_decode(reader->encoding, window->raw, &used, window->raw_ended, to);
    int64_t got;
    window->raw_size -= used;
    memmove(window->raw, window->raw + used, window->raw_size);
    if (made > 0) return (int64_t)made;
    if (window->raw_ended) return window->raw_size > 0 ? refuse_half(reader, error) : 0;
    got = read_bytes(window, window->raw + window->raw_size, WINDOW_SIZE - window->raw_size, error);
    if (got < 0) return -1;
    window->raw_size += (size_t)got;
    window->raw_ended = got == 0;
  }
}

/* The window holds one byte more than a record may have: its line end, or what is too much. */
static int64_t read_more(struct window *window, struct error *error) {
  struct reader *reader = &window->public;
  char *to = window->buffer + reader->size;
  size_t most = window->room < reader->record_max + 1 ? window->room : reader->record_max + 1;
  size_t room = most - reader->size;
  int64_t got =
      window->raw ? read_utf16(window, to, room, error) : read_bytes(window, to, room, error);
  if (got < 0) {
    locate(reader, error);
    return -1;
  }
  reader->size += (size_t)got;
  reader->ended = got == 0;
  memset(window->buffer + reader->size, 0, READER_PADDING);
  return got;
}

bool reader_fill(struct reader *reader, struct error *error) {
  struct window *window = (struct window *)reader;
  if (reader->ended) return true;
  return make_room(window, error) && read_more(window, error) >= 0;
}

/* Even an empty input takes some bytes when it is packed. */
static bool is_not_cut_off(const struct reader *reader, struct error *error) {
  size_t size;
  const struct packing *named = packing_of_name(reader->path, &size);
  if (reader->size > 0 || !named) return true;
  error_at(error, ERROR_DATA, reader->path, 0, 0,
           "is empty, but a %s file never is: it was not written completely - download or copy "
           "it again",
           named->name);
  return false;
}

/* The first bytes say how the input is packed. */
static bool unwrap(struct window *window, struct error *error) {
  struct reader *reader = &window->public;
  reader->packing = packing_of_bytes(reader->text, reader->size);
  if (!reader->packing) return is_not_cut_off(reader, error);
  window->decoder = decoder_open(reader->packing, &window->input, window->decoders, reader->text,
                                 reader->size, error);
  if (!window->decoder) return false;
  reader->size = 0;
  return read_more(window, error) >= 0;
}

/* What the reader is opened for. */
enum purpose { LINES_ONLY, DATASET, MEMBER };

static bool refuse(const struct reader *reader, struct error *error, const char *why) {
  error_at(error, ERROR_DATA, reader->path, 0, 0, "%s", why);
  return false;
}

/* An archive cannot be read as text, and a file that is named like one must be one. */
static bool contain(struct reader *reader, enum purpose purpose, struct error *error) {
  enum container named = container_of_name(reader->path);
  reader->container = container_of_bytes(reader->text, reader->size, reader->path);
  if (reader->container == CONTAINER_NONE && named == CONTAINER_NONE) return true;
  if (reader->container == CONTAINER_NONE) {
    error_at(error, ERROR_DATA, reader->path, 0, 0,
             "has the name of a %s archive, but is %s - check where it comes from",
             container_title(named), reader->size > 0 ? "something else" : "empty");
    return false;
  }
  if (purpose == DATASET) return true;
  return refuse(reader, error,
                purpose == MEMBER ? "is an archive in an archive, which is not read - unpack the "
                                    "outer one"
                                  : "is an archive, which is not read here - unpack it");
}

/* A file of a known other format must not be read as a table of one column. */
static bool identify(struct window *window, enum purpose purpose, struct error *error) {
  struct reader *reader = &window->public;
  const char *refusal = foreign_refusal(reader->text, reader->size);
  if (refusal) return refuse(reader, error, refusal);
  return contain(reader, purpose, error);
}

/* What has been read is UTF-16, if it begins with that byte order mark: it is converted, and so is
 * all that follows. */
static bool convert(struct window *window, struct error *error) {
  struct reader *reader = &window->public;
  reader->encoding = utf16_of_mark(reader->text, reader->size);
  if (reader->encoding == ENCODING_UTF8) return true;
  window->raw = malloc(WINDOW_SIZE);
  if (!window->raw) return error_memory(error, "reading %s", reader->path);
  memcpy(window->raw, reader->text, reader->size);
  window->raw_size = reader->size;
  window->raw_ended = reader->ended;
  reader->size = 0;
  return read_more(window, error) >= 0;
}

/* Reads the first window of an input that has been opened. */
static bool begin(struct window *window, enum purpose purpose, struct error *error) {
  struct reader *reader = &window->public;
  reader->path = window->input.path;
  window->buffer = malloc(window->room + READER_PADDING);
  reader->text = window->buffer;
  if (!window->buffer) return error_memory(error, "reading %s", reader->path);
  if (read_more(window, error) < 0 || !unwrap(window, error) || !identify(window, purpose, error))
    return false;
  if (!convert(window, error)) return false;
  if (reader->size >= 3 && memcmp(reader->text, "\xef\xbb\xbf", 3) == 0) {
    reader->mark = true;
    reader_consume(reader, 3);
  }
  return true;
}

static atomic_uint_least64_t serials;

static struct window *window_new(const char *path, struct error *error) {
  struct window *window = calloc(1, sizeof *window);
  if (!window) {
    error_memory(error, "reading %s", path);
    return NULL;
  }
  window->input.descriptor = -1;
  window->counted.line = 1;
  window->room = WINDOW_SIZE;
  window->public.record_max = READER_RECORD_MAX;
  window->public.serial = atomic_fetch_add(&serials, 1) + 1;
  return window;
}

static struct reader *open_path(const char *path, enum purpose purpose, unsigned decoders,
                                struct task *task, struct error *error) {
  struct window *window = window_new(path, error);
  if (!window) return NULL;
  window->decoders = decoders;
  if (input_open(&window->input, path, task, error) && begin(window, purpose, error))
    return &window->public;
  reader_close(&window->public);
  return NULL;
}

struct reader *reader_open(const char *path, struct task *task, struct error *error) {
  return open_path(path, LINES_ONLY, 1, task, error);
}

struct reader *reader_open_dataset(const char *path, unsigned decoders, struct task *task,
                                   struct error *error) {
  return open_path(path, DATASET, decoders, task, error);
}

struct reader *reader_open_source(const struct reader_source *source, struct task *task,
                                  struct error *error) {
  struct window *window = window_new(source->path, error);
  if (!window) return NULL;
  window->decoders = 1;
  input_open_source(&window->input, source->path, source->read, source->context, task);
  if (begin(window, MEMBER, error)) return &window->public;
  reader_close(&window->public);
  return NULL;
}

struct input *reader_input(struct reader *reader) {
  return &((struct window *)reader)->input;
}

uint64_t reader_done(const struct reader *reader) {
  return atomic_load(&((const struct window *)reader)->input.done);
}

uint64_t reader_total(const struct reader *reader) {
  return ((const struct window *)reader)->input.total;
}

void reader_close(struct reader *reader) {
  struct window *window = (struct window *)reader;
  if (!window) return;
  decoder_close(window->decoder);
  input_close(&window->input);
  free(window->buffer);
  free(window->raw);
  free(window);
}

/* Units */

/* Gives text[start .. end) of the window; what stood before it goes with it. */
static enum reader_step give(struct window *window, const char *start, const char *end,
                             struct reader_record *record) {
  struct reader *reader = &window->public;
  record->before = reader->text;
  record->before_size = (size_t)(start - reader->text);
  record->text = start;
  record->size = (size_t)(end - start);
  record->line = reader_line(reader, start);
  record->byte = reader->byte + record->before_size;
  record->element = window->place != JSON_OUTSIDE;
  reader_consume(reader, (size_t)(end - reader->text));
  return start < end ? READER_RECORD : READER_END;
}

static enum reader_step fail_at(struct window *window, const char *at, const char *problem,
                                struct error *error) {
  struct reader *reader = &window->public;
  error_at(error, ERROR_DATA, reader->path, reader_line(reader, at),
           reader->byte + (uint64_t)(at - reader->text), "%s", problem);
  return READER_FAILED;
}

static enum reader_step next_line(struct window *window, struct reader_record *record,
                                  struct error *error) {
  struct reader *reader = &window->public;
  for (;;) {
    const char *start = reader->text, *end = reader->text + reader->size, *line_end = NULL;
    while (start < end && is_white(*start))
      start++;
    if (start < end) line_end = memchr(start, '\n', (size_t)(end - start));
    if (!line_end && reader->ended) line_end = end;
    if (line_end) {
      enum reader_step step;
      while (line_end > start && is_white(line_end[-1]))
        line_end--;
      step = give(window, start, line_end, record);
      window->counted.byte = reader->byte; /* there is no line end within a line */
      return step;
    }
    if (!reader_fill(reader, error)) return READER_FAILED;
  }
}

/* The size of the blanks and the assignment at the start of a file, if it begins with one. */
static size_t blank_assignment(const char *start, const char *end) {
  const char *at = start;
  size_t size;
  while (at < end && is_white(*at))
    at++;
  size = json_cut_assignment(at, (size_t)(end - at));
  return size > 0 ? (size_t)(at - start) + size : 0;
}

/* Whether a semicolon is the last of a file; or may be, as far as it is read. */
static bool is_semicolon(const char *at, const char *end, bool ended) {
  if (*at != ';') return false;
  while (++at < end)
    if (!is_white(*at)) return !ended;
  return true;
}

static enum reader_step next_value(struct window *window, struct reader_record *record,
                                   struct error *error) {
  struct reader *reader = &window->public;
  struct task *task = window->input.task;
  for (;;) {
    const char *start = reader->text, *end = reader->text + reader->size, *after;
    enum json_place place = window->place;
    bool outside = place == JSON_OUTSIDE;
    if (!window->begun) {
      start += blank_assignment(start, end);
      window->assigned = start > reader->text;
    }
    if (!json_cut_between(&place, &start, end))
      return fail_at(window, start,
                     outside && place == JSON_OUTSIDE ? JSON_CUT_OUTSIDE : JSON_CUT_INSIDE, error);
    if (window->assigned && start < end && is_semicolon(start, end, reader->ended)) start = end;
    after = start < end ? json_cut_value(start, end, reader->ended, task) : NULL;
    if (after) {
      window->begun = true;
      window->place = place == JSON_OUTSIDE ? JSON_OUTSIDE : JSON_AFTER_ELEMENT;
      return give(window, start, after, record);
    }
    if (is_cancelled(window, error)) return READER_FAILED;
    if (reader->ended) {
      if (start < end)
        return fail_at(window, start, "the file ends within the value that begins here", error);
      if (place != JSON_OUTSIDE)
        return fail_at(window, end, "the file ends within an array", error);
      window->place = JSON_OUTSIDE;
      return give(window, end, end, record);
    }
    if (!reader_fill(reader, error)) return READER_FAILED;
  }
}

enum reader_step reader_next(struct reader *reader, enum reader_unit unit,
                             struct reader_record *record, struct error *error) {
  struct window *window = (struct window *)reader;
  return unit == READER_LINES ? next_line(window, record, error)
                              : next_value(window, record, error);
}

/* Elements of an array in memory */

/* Goes to the next element, or to the end. NULL, or what is wrong at `*at`. */
static const char *find_element(struct reader_elements *elements, const char **at,
                                const char **after) {
  const char *end = elements->array->text + elements->array->size;
  *at = elements->at;
  if (!json_cut_between(&elements->place, at, end)) return JSON_CUT_INSIDE;
  if (*at == end) return NULL;
  *after = json_cut_value(*at, end, true, NULL);
  elements->place = JSON_AFTER_ELEMENT;
  return NULL;
}

const char *reader_elements(struct reader_elements *elements, const struct reader_record *array,
                            size_t *wrong_at) {
  const struct reader_elements start = {array, array->text, JSON_OUTSIDE};
  const char *end = array->text + array->size, *wrong = NULL;
  const char *at = json_cut_value(array->text, end, true, NULL), *after = at;
  *elements = start;
  if (!at) wrong = "the line ends within an array";
  if (at && at < end) wrong = "something follows the value";
  if (at == end && end[-1] != ']') wrong = "a closing brace where the array should end";
  while (!wrong && after) {
    after = NULL;
    wrong = find_element(elements, &at, &after);
    if (after) elements->at = after;
  }
  /* a brace may have closed what a bracket has opened */
  if (!wrong && elements->place != JSON_OUTSIDE) wrong = "the line ends within an array";
  *wrong_at = (size_t)((at ? at : end) - array->text);
  *elements = start;
  return wrong;
}

enum reader_step reader_element(struct reader_elements *elements, struct reader_record *element) {
  const struct reader_record *array = elements->array;
  const char *at, *after = NULL;
  find_element(elements, &at, &after);
  if (!after) after = at;
  *element = (struct reader_record){.text = at,
                                    .size = (size_t)(after - at),
                                    .before = elements->at,
                                    .before_size = (size_t)(at - elements->at),
                                    .byte = array->byte + (uint64_t)(at - array->text),
                                    .line = array->line,
                                    .element = true};
  elements->at = after;
  return after > at ? READER_RECORD : READER_END;
}
