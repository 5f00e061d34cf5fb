/* extract_ids.c - extraction from id lists
 *
 * A short loop, since lists are the longest datasets: a line of digits and a line feed is read
 * without looking for its end first.
 */
#include <string.h>

#include "dataset/extraction/extract_formats.h"
#include "characters.h"
#include "dataset/text/id.h"
#include "dataset/text/id_form.h"

/* Whether the ids of lists are wanted, or only counted. */
static bool is_wanted(const struct extraction *x) {
  return !x->options.lists_known || x->options.lists == x->options.type;
}

/* A line that is not just digits and a line feed. */
static bool read_odd_line(struct extraction *x, const char *line, const char *end,
                          struct error *error) {
  const char *start = line, *after = end;
  uint64_t id;
  while (start < after && is_blank(*start))
    start++;
  while (after > start && is_blank(after[-1]))
    after--;
  if (start == after) return true;
  id = id_form_parse(start, (size_t)(after - start));
  if (!id) return extraction_refuse_id(x, start, start, (size_t)(after - start), error);
  x->counts.records++;
  x->ids_read++;
  x->round_ids += id_is_round(id);
  return !is_wanted(x) || extraction_add(x, id, error);
}

/* Whole lines: text[0 .. end) ends in a line feed, or with the file. */
static bool read_lines(struct extraction *x, const char *text, const char *end,
                       struct error *error) {
  bool wanted = is_wanted(x);
  while (text < end) {
    uint64_t id;
    size_t size = id_read(text, &id);
    if (size > 0 && text[size] == '\n') {
      x->counts.records++;
      x->ids_read++;
      x->round_ids += text[size - 1] == '0' && id_is_round(id);
      if (wanted && !extraction_add(x, id, error)) return false;
      text += size + 1;
    } else {
      const char *line_end = memchr(text, '\n', (size_t)(end - text));
      if (!line_end) line_end = end;
      if (!read_odd_line(x, text, line_end, error)) return false;
      text = line_end + 1;
    }
  }
  return true;
}

bool extract_ids(struct extraction *x, struct error *error) {
  struct reader *reader = x->reader;
  for (;;) {
    const char *text = reader->text;
    const char *line_end = reader->size ? memrchr(text, '\n', reader->size) : NULL;
    const char *end = reader->ended ? text + reader->size : line_end ? line_end + 1 : text;
    if (!read_lines(x, text, end, error)) return false;
    reader_consume(reader, (size_t)(end - text));
    if (!extraction_progress(x, error)) return false;
    if (reader->ended) return true;
    if (!reader_fill(reader, error)) return false;
  }
}
