/* batch.c - see batch.h
 *
 * Lines are judged in pieces, possibly before the lines in front of them have been counted, so the
 * number of a line is not known when it is judged. A line that fails is judged again for the
 * message, when its turn has come.
 */
#include "dataset/redaction/batch.h"

#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "dataset/text/id.h"
#include "dataset/text/id_form.h"

struct batch *batch_new(const struct batch_rules *rules) {
  struct batch *batch = calloc(1, sizeof *batch);
  if (!batch) return NULL;
  batch->rules = rules;
  batch->judge = judge_new(rules->policy, rules->filter, rules->shapes);
  if (batch->judge) {
    batch->judge->trusting = rules->on_unrecognised == TREAT_KEEP;
    batch->judge->task = rules->task;
    return batch;
  }
  free(batch);
  return NULL;
}

void batch_free(struct batch *batch) {
  if (!batch) return;
  judge_free(batch->judge);
  pieces_free(&batch->output);
  pieces_free(&batch->quarantine);
  free(batch->hits.at);
  free(batch);
}

void batch_begin(struct batch *batch, bool copy) {
  pieces_clear(&batch->output);
  pieces_clear(&batch->quarantine);
  batch->output.copy = batch->quarantine.copy = copy;
  memset(&batch->counts, 0, sizeof batch->counts);
  memset(&batch->judge->counts, 0, sizeof batch->judge->counts);
  batch->judge->rehydrate.count = 0;
  batch->judge->seen = NULL;
  batch->touched = batch->failed = batch->flat = false;
  batch->lines = 0;
}

/* {==================================================================
** What a judgement means
** =================================================================== */

void batch_no_memory(struct batch *batch, const char *path) {
  batch->failed = true;
  error_memory(&batch->error, "redacting %s", path);
}

void batch_pass(struct batch *batch, const char *text, size_t size) {
  pieces_add(&batch->output, text, size);
}

static void add_without(struct pieces *pieces, const char *text, size_t size,
                        const struct cut *cuts, size_t cut_count) {
  size_t at = 0;
  for (size_t i = 0; i < cut_count; i++) {
    pieces_add(pieces, text + at, cuts[i].start - at);
    at = cuts[i].end;
  }
  pieces_add(pieces, text + at, size - at);
}

/* A quarantine holds one JSON record on each line, so that it can be read again: the line ends of a
 * value over several lines, which are only between its parts, become blanks. */
static void add_flat(struct pieces *pieces, const char *text, size_t size) {
  size_t start = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] != '\n' && text[i] != '\r') continue;
    pieces_add(pieces, text + start, i - start);
    pieces_add(pieces, " ", 1);
    start = i + 1;
  }
  pieces_add(pieces, text + start, size - start);
}

static void add_to_quarantine(struct batch *batch, const char *text, size_t size,
                              const struct cut *cuts, size_t cut_count) {
  size_t at = 0;
  if (!batch->flat) {
    add_without(&batch->quarantine, text, size, cuts, cut_count);
  } else {
    for (size_t i = 0; i < cut_count; i++) {
      add_flat(&batch->quarantine, text + at, cuts[i].start - at);
      at = cuts[i].end;
    }
    add_flat(&batch->quarantine, text + at, size - at);
  }
  if (text[size - 1] != '\n') pieces_add(&batch->quarantine, "\n", 1);
}

/* What a judgement means for a record, without what it says about its class. */
static void settle(struct batch *batch, enum judgement judgement, const char *text, size_t size,
                   const struct cut *cuts, size_t cut_count) {
  batch->counts.records++;
  if (judgement == JUDGED_KEPT) {
    batch->counts.kept++;
    batch_pass(batch, text, size);
    return;
  }
  batch->touched = true;
  switch (judgement) {
  case JUDGED_CHANGED:
    batch->counts.changed++;
    add_without(&batch->output, text, size, cuts, cut_count);
    break;
  case JUDGED_QUARANTINED:
    batch->counts.quarantined++;
    add_to_quarantine(batch, text, size, cuts, cut_count);
    break;
  default: batch->counts.dropped++; break;
  }
}

void batch_settle(struct batch *batch, enum judgement judgement, const char *text, size_t size,
                  const struct cut *cuts, size_t cut_count) {
  batch->counts.recognised++;
  settle(batch, judgement, text, size, cuts, cut_count);
}

/* The same for a record of JSON that was judged. */
static void settle_json(struct batch *batch, enum judgement judgement, const char *text,
                        size_t size) {
  const struct judge *judge = batch->judge;
  switch (judge->class) {
  case RECORD_RECOGNISED: batch->counts.recognised++; break;
  case RECORD_NOTICE: batch->counts.notices++; break;
  case RECORD_UNRECOGNISED: batch->counts.unrecognised++; break;
  }
  settle(batch, judgement, text, size, judge->cuts, judge->cut_count);
}

/* The same for one that is not understood; `error` of the batch says why. */
static void settle_doubtful(struct batch *batch, const char *text, size_t size) {
  enum treatment treatment = batch->rules->on_unrecognised;
  const struct judge *judge = batch->judge;
  if (treatment == TREAT_STOP) {
    batch->failed = true;
    return;
  }
  batch->counts.unrecognised++;
  settle(batch, treatment == TREAT_REMOVE ? JUDGED_DROPPED : JUDGED_QUARANTINED, text, size,
         judge->cuts, judge->cut_count);
}

void batch_unrecognised(struct batch *batch, const char *text, size_t size) {
  static const enum judgement judgements[] = {
      [TREAT_STOP] = JUDGED_KEPT,
      [TREAT_KEEP] = JUDGED_KEPT,
      [TREAT_REMOVE] = JUDGED_DROPPED,
      [TREAT_QUARANTINE] = JUDGED_QUARANTINED,
  };
  batch->counts.unrecognised++;
  settle(batch, judgements[batch->rules->on_unrecognised], text, size, NULL, 0);
}

void batch_malformed(struct batch *batch, const char *text, size_t size,
                     const struct error *problem) {
  if (batch->rules->on_malformed == TREAT_STOP) {
    batch->failed = true;
    batch->error = *problem;
    return;
  }
  batch->counts.malformed++;
  settle(batch, batch->rules->on_malformed == TREAT_REMOVE ? JUDGED_DROPPED : JUDGED_QUARANTINED,
         text, size, NULL, 0);
}

void batch_stop(struct batch *batch, const char *path, uint64_t line, uint64_t byte) {
  static const char *const names[VERDICTS_TYPES] = {"tweet", "user"};
  const struct judge *judge = batch->judge;
  uint32_t facts = prefilter_facts(batch->rules->filter, judge->stop.type, judge->stop.id);
  batch->failed = true;
  error_at(&batch->error, ERROR_DATA, path, line, byte,
           "%s %llu: %s - nothing was changed; choose with `on_unknown` what to do with such "
           "records",
           names[judge->stop.type], (unsigned long long)judge->stop.id,
           facts & FACT_UNKNOWN ? "the results say something about it that this version does "
                                  "not know"
                                : "the results say that it was not checked");
}

/* }================================================================== */

/* {==================================================================
** Lines
** =================================================================== */

/* The elements of an array on a line are records, as in a file that is one array. So the order in
 * which they are removed makes no difference, nor whether such a line is the last one left. */
static void judge_array_line(struct batch *batch, const struct reader_record *array, size_t start,
                             size_t end) {
  const char *text = batch->piece.text, *wrong;
  struct reader_elements elements;
  struct reader_record element;
  struct values values = {0};
  size_t from = (size_t)(array->text - text), to = from + array->size, wrong_at;
  wrong = reader_elements(&elements, array, &wrong_at);
  if (wrong) {
    struct error problem;
    error_at(&problem, ERROR_DATA, batch->piece.path, array->line, array->byte + wrong_at, "%s",
             wrong);
    batch_malformed(batch, text + start, end - start, &problem);
    return;
  }
  batch_pass(batch, text + start, from - start);
  while (!batch->failed && reader_element(&elements, &element) == READER_RECORD)
    batch_value(batch, &values, batch->piece.path, &element);
  if (batch->failed) return;
  batch_values_end(batch, &values, &element);
  batch_pass(batch, text + to, end - to);
}

static void judge_json_line(struct batch *batch, size_t start, size_t end, uint64_t line) {
  const char *text = batch->piece.text;
  size_t from = start, to = end, shift;
  struct judge *judge = batch->judge;
  struct reader_record record = {.line = line};
  enum judgement judgement;
  while (from < to && is_white(text[from]))
    from++;
  while (to > from && is_white(text[to - 1]))
    to--;
  if (from == to) {
    batch_pass(batch, text + start, end - start);
    return;
  }
  record.text = text + from;
  record.size = to - from;
  record.byte = batch->piece.byte + from;
  if (text[from] == '[') {
    judge_array_line(batch, &record, start, end);
    return;
  }
  judgement = judge_record(judge, batch->piece.path, &record, &batch->error);
  shift = from - start; /* cuts are offsets in the record */
  for (size_t i = 0; shift > 0 && i < judge->cut_count; i++) {
    judge->cuts[i].start += (uint32_t)shift;
    judge->cuts[i].end += (uint32_t)shift;
  }
  if (judgement == JUDGED_MALFORMED) {
    struct error problem = batch->error;
    batch_malformed(batch, text + start, end - start, &problem);
  } else if (judgement == JUDGED_STOP) {
    batch_stop(batch, batch->piece.path, line, record.byte + judge->stop.at);
  } else if (judgement == JUDGED_FAILED) {
    batch->failed = true;
  } else if (judgement == JUDGED_DOUBTFUL) {
    settle_doubtful(batch, text + start, end - start);
  } else {
    settle_json(batch, judgement, text + start, end - start);
  }
}

static void refuse_id(struct batch *batch, size_t start, size_t end, size_t from, size_t to,
                      uint64_t line) {
  char complaint[ID_COMPLAINT];
  struct error problem;
  id_form_complain(batch->piece.text + from, to - from, complaint);
  error_at(&problem, ERROR_DATA, batch->piece.path, line, batch->piece.byte + from, "%s",
           complaint);
  batch_malformed(batch, batch->piece.text + start, end - start, &problem);
}

static void judge_id_line(struct batch *batch, size_t start, size_t end, uint64_t line) {
  const char *text = batch->piece.text;
  size_t from = start, to = end;
  struct id_row row = {.user = batch->rules->list_type == VERDICTS_USERS, .count = 1};
  enum judgement judgement;
  while (from < to && is_white(text[from]))
    from++;
  while (to > from && is_white(text[to - 1]))
    to--;
  if (from == to) {
    batch_pass(batch, text + start, end - start);
    return;
  }
  row.ids[0].role = ROW_OWN;
  if (id_read(text + from, &row.ids[0].id) != to - from)
    row.ids[0].id = id_form_parse(text + from, to - from);
  if (row.ids[0].id == 0) {
    refuse_id(batch, start, end, from, to, line);
    return;
  }
  batch->counts.ids++;
  batch->counts.round_ids += id_is_round(row.ids[0].id);
  judgement = judge_row(batch->judge, &row);
  if (judgement == JUDGED_STOP)
    batch_stop(batch, batch->piece.path, line, batch->piece.byte + from);
  else if (judgement == JUDGED_FAILED)
    batch_no_memory(batch, batch->piece.path);
  else /* there are no places in a list */
    batch_settle(batch, judgement == JUDGED_CHANGED ? JUDGED_KEPT : judgement, text + start,
                 end - start, NULL, 0);
}

/* Judges the lines that begin in [start, limit). Returns where the first after them begins. */
static size_t judge_lines(struct batch *batch, size_t start, size_t limit) {
  const char *text = batch->piece.text;
  while (start < limit && !batch->failed) {
    const char *feed = memchr(text + start, '\n', batch->piece.size - start);
    size_t end = feed ? (size_t)(feed + 1 - text) : batch->piece.size;
    batch->piece.failure = start;
    batch->piece.judge_line(batch, start, end, 1);
    start = end;
  }
  return start;
}

static void begin_lines(struct batch *batch, const char *path, const char *text, size_t size,
                        uint64_t byte) {
  batch->piece.path = path;
  batch->piece.text = text;
  batch->piece.size = size;
  batch->piece.byte = byte;
}

static void end_lines(struct batch *batch) {
  if (!batch->failed && (batch->output.no_memory || batch->quarantine.no_memory))
    batch_no_memory(batch, batch->piece.path);
}

void batch_id_lines(struct batch *batch, const char *path, const char *text, size_t size,
                    uint64_t byte) {
  begin_lines(batch, path, text, size, byte);
  batch->piece.judge_line = judge_id_line;
  batch->lines = reader_line_ends(text, text + size);
  judge_lines(batch, 0, size);
  end_lines(batch);
}

/* Only lines with a hit are judged; the others stay. */
static void judge_hits(struct batch *batch) {
  const char *text = batch->piece.text;
  size_t done = 0;
  uint64_t judged = 0;
  for (size_t i = 0; i < batch->hits.count && !batch->failed; i++) {
    size_t hit = batch->hits.at[i];
    const char *feed;
    size_t start;
    if (hit < done) continue;
    feed = memrchr(text + done, '\n', hit - done);
    start = feed ? (size_t)(feed + 1 - text) : done;
    batch_pass(batch, text + done, start - done);
    done = judge_lines(batch, start, start + 1);
    judged++;
  }
  batch_pass(batch, text + done, batch->piece.size - done);
  batch->counts.records += batch->lines - judged;
  batch->counts.kept += batch->lines - judged;
  batch->counts.unparsed += batch->lines - judged;
}

/* A rule about records that are not understood requires all of them to be parsed. */
static bool parses_all(const struct batch_rules *rules) {
  return rules->strict || rules->on_unrecognised == TREAT_QUARANTINE ||
         rules->on_unrecognised == TREAT_REMOVE;
}

static void judge_all(struct batch *batch) {
  judge_lines(batch, 0, batch->piece.size);
}

void batch_json_lines(struct batch *batch, const char *path, const char *text, size_t size,
                      uint64_t byte) {
  begin_lines(batch, path, text, size, byte);
  batch->piece.judge_line = judge_json_line;
  if (prefilter_scan(batch->rules->filter, text, size, &batch->hits, &batch->lines)) {
    batch->judge->seen = &batch->hits;
    batch->judge->seen_text = text;
    (parses_all(batch->rules) ? judge_all : judge_hits)(batch);
    if (size > 0 && text[size - 1] != '\n') batch->lines--; /* a line, but no line end */
  } else {
    batch_no_memory(batch, path);
  }
  end_lines(batch);
}

/* A record without a hit stays, as in judge_hits. */
void batch_record(struct batch *batch, const char *path, const char *text, size_t size) {
  begin_lines(batch, path, text, size, 0);
  if (!prefilter_scan(batch->rules->filter, text, size, &batch->hits, &batch->lines)) {
    batch_no_memory(batch, path);
  } else if (batch->hits.count > 0 || size == 0 || parses_all(batch->rules)) {
    batch->judge->seen = &batch->hits;
    batch->judge->seen_text = text;
    judge_json_line(batch, 0, size, 1);
  } else {
    batch_pass(batch, text, size);
    batch->counts.records = batch->counts.kept = batch->counts.unparsed = 1;
  }
  end_lines(batch);
}

void batch_explain(struct batch *batch, uint64_t line) {
  const char *text = batch->piece.text, *feed;
  size_t start = batch->piece.failure;
  if (batch->error.code != ERROR_DATA && batch->error.code != ERROR_REFUSED) return;
  batch->failed = false; /* as it was when the line was judged */
  line += reader_line_ends(text, text + start);
  feed = memchr(text + start, '\n', batch->piece.size - start);
  batch->piece.judge_line(batch, start, feed ? (size_t)(feed + 1 - text) : batch->piece.size, line);
}

/* }================================================================== */

/* {==================================================================
** Values: elements of an array, or one value after the other
** =================================================================== */

/* The start of the blanks before a value on its own line, at the end of text[0 .. size); `size` if
 * it does not begin a line. */
static size_t indentation(const struct values *values, const char *text, size_t size) {
  size_t at = size;
  while (at > 0 && text[at - 1] != '\n' && is_white(text[at - 1]))
    at--;
  return at == 0 ? (values->begun && !values->skip_line_end ? size : 0)
                 : (text[at - 1] == '\n' ? at : size);
}

/* The text before a value stays, except for the comma that goes with a dropped record: an element
 * that stays keeps the comma before it if another that stays comes first. A record that is not an
 * element is removed like a line: with the blanks before it, and with its line end, which is at the
 * start of what follows. */
static void pass_between(struct batch *batch, struct values *values, const char *text, size_t size,
                         bool kept) {
  size_t from = 0;
  if (values->skip_line_end) {
    size_t blank = 0;
    while (blank < size && text[blank] != '\n' && is_white(text[blank]))
      blank++;
    if (blank < size && text[blank] == '\n') from = blank + 1;
  }
  values->skip_line_end = false;
  for (size_t i = from; i < size; i++) {
    if (text[i] == '[') values->kept_before = false;
    if (text[i] != ',' || (kept && values->kept_before)) continue;
    batch_pass(batch, text + from, i - from);
    from = i + 1;
  }
  batch_pass(batch, text + from, size - from);
}

void batch_value(struct batch *batch, struct values *values, const char *path,
                 const struct reader_record *record) {
  struct judge *judge = batch->judge;
  enum judgement judgement = judge_record(judge, path, record, &batch->error);
  bool kept = judgement == JUDGED_KEPT || judgement == JUDGED_CHANGED;
  size_t before;
  if (judgement == JUDGED_STOP) {
    batch_stop(batch, path, record->line, record->byte + judge->stop.at);
    return;
  }
  if (judgement == JUDGED_FAILED) {
    batch->failed = true;
    return;
  }
  before = kept || record->element ? record->before_size
                                   : indentation(values, record->before, record->before_size);
  pass_between(batch, values, record->before, before, kept);
  values->begun = true;
  batch->flat = true;
  if (judgement == JUDGED_MALFORMED) {
    struct error problem = batch->error;
    batch_malformed(batch, record->text, record->size, &problem);
  } else if (judgement == JUDGED_DOUBTFUL) {
    settle_doubtful(batch, record->text, record->size);
  } else {
    settle_json(batch, judgement, record->text, record->size);
  }
  batch->flat = false;
  if (record->element && kept) values->kept_before = true;
  values->skip_line_end = !record->element && !kept;
  if (batch->output.no_memory || batch->quarantine.no_memory) batch_no_memory(batch, path);
}

void batch_values_end(struct batch *batch, struct values *values,
                      const struct reader_record *rest) {
  pass_between(batch, values, rest->before, rest->before_size, false);
}

/* }================================================================== */
