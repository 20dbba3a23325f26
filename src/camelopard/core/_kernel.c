/* A few inner loops in C: what NumPy does in many calls over small arrays, in one.

Every function gives the same bytes as the NumPy code beside which it stands: the same operations on the same numbers, sums in the same order
or exact, no multiplication fused with an addition, no approximate arithmetic, and no function whose last bit hangs on a library (logarithms and
exponentials stay with NumPy). None of them trusts its caller: shapes, types and alignment are checked before anything is read, whatever is
used as an index is compared with the length of what it points into, and what is out of range is a ValueError.

C99 and Python's stable interface (3.11 and newer) alone. The lock of the interpreter is held: no array changes while it is read. */

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "floats are kept wider than they are: the same bytes cannot be promised here, and NumPy alone is used"
#endif

#if UINTPTR_MAX < UINT64_MAX
#error "indices are narrower than 64 bits here, and NumPy alone is used"
#endif

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define WIDE __attribute__((target_clones("avx2", "default"))) /* one build, the wider registers where the machine has them */
#else
#define WIDE
#endif
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define RESTRICT __restrict__
#else
#define INLINE static __inline
#define RESTRICT __restrict
#endif

enum { VERSION = 4, BLOCK = 64, DEEPEST = 8, MOST_BINS = 256, ABREAST = 4 };

/* --- arrays ------------------------------------------------------------------------------------------------------------------------ */

enum { CONTIGUOUS = 1, WRITABLE = 2 };

typedef struct {
    Py_buffer views[12];
    int held;
} Arrays;

static void released(Arrays *arrays) {
    while (arrays->held) PyBuffer_Release(&arrays->views[--arrays->held]);
}

static int refused(Arrays *arrays, const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    released(arrays);
    return -1;
}

/* Hold an array of this kind of item (d, f: float64, float32; q, i, h: int64, int32, int16; Q, I, H: the same without a sign; B: bytes or truths) and
   number of dimensions; on any other, set an error and release all. */
static int take(Arrays *arrays, PyObject *object, const char *name, char kind, int dimensions, int how) {
    Py_buffer *view = &arrays->views[arrays->held];
    if (PyObject_GetBuffer(object, view, how & WRITABLE ? PyBUF_RECORDS : PyBUF_RECORDS_RO) < 0) {
        released(arrays);
        return -1;
    }
    arrays->held++;
    const char *format = view->format ? view->format : "B";
    static const struct {
        char kind, fitting[3];
        Py_ssize_t size;
        const char *type;
    } kinds[] = {{'d', "d", 8, "float64"}, {'f', "f", 4, "float32"}, {'q', "lq", 8, "int64"}, {'i', "il", 4, "int32"}, {'h', "h", 2, "int16"},
        {'Q', "LQ", 8, "uint64"}, {'I', "IL", 4, "uint32"}, {'H', "H", 2, "uint16"}, {'B', "B?", 1, "uint8"}};
    size_t of = 0;
    while (kinds[of].kind != kind) of++;
    const char *fitting = kinds[of].fitting;
    const Py_ssize_t size = kinds[of].size;
    int fits = format[0] && !format[1] && strchr(fitting, format[0]) && view->itemsize == size && view->ndim == dimensions && !view->suboffsets;
    if (fits && view->len) {
        fits = (uintptr_t)view->buf % (size_t)size == 0;
        for (int k = 0; fits && k < dimensions; k++) fits = view->strides[k] % size == 0;
    }
    if (fits && how & CONTIGUOUS) fits = PyBuffer_IsContiguous(view, 'C');
    if (fits) return 0;
    PyErr_Format(PyExc_ValueError, "%s: expected an aligned%s array of %s with %d dimension(s); got %d of format '%s'.", name,
                 how & CONTIGUOUS ? ", contiguous" : "", kinds[of].type, dimensions, view->ndim, format);
    released(arrays);
    return -1;
}

INLINE Py_ssize_t rows_of(const Arrays *a, int k) { return a->views[k].shape[0]; }
INLINE Py_ssize_t columns_of(const Arrays *a, int k) { return a->views[k].shape[1]; }
INLINE double *cell(const Arrays *a, int k, Py_ssize_t i, Py_ssize_t j) {
    return (double *)((char *)a->views[k].buf + i * a->views[k].strides[0] + j * a->views[k].strides[1]);
}
INLINE double *item(const Arrays *a, int k, Py_ssize_t i) { return (double *)((char *)a->views[k].buf + i * a->views[k].strides[0]); }

static int expected(Py_ssize_t count, Py_ssize_t wanted) {
    if (count == wanted) return 0;
    PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd.", wanted, count);
    return -1;
}

/* --- numbers ----------------------------------------------------------------------------------------------------------------------- */

/* To the nearest whole number, the even one of two equally near, as NumPy's rint: for |x| < 2**51. A zero has no sign. */
INLINE double nearest_whole(double x) { return (x + 6755399441055744.0) - 6755399441055744.0 + 0.0; }

INLINE double within(double x, double low, double high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* Normal scores on the grid of camelopard.evidence.exact. */
INLINE double on_grid(double x) { return nearest_whole(within(x, -15.9, 15.9) * 4096.0) * (1.0 / 4096.0); }

/* Copy up to BLOCK cells of a column to or from where they lie. */
INLINE void read_column(const Arrays *a, int which, Py_ssize_t start, Py_ssize_t j, Py_ssize_t n, double *to) {
    if (a->views[which].strides[0] == (Py_ssize_t)sizeof(double)) memcpy(to, cell(a, which, start, j), (size_t)n * sizeof(double));
    else for (Py_ssize_t i = 0; i < n; i++) to[i] = *cell(a, which, start + i, j);
}
INLINE void write_column(const Arrays *a, int which, Py_ssize_t start, Py_ssize_t j, Py_ssize_t n, const double *from) {
    if (a->views[which].strides[0] == (Py_ssize_t)sizeof(double)) memcpy(cell(a, which, start, j), from, (size_t)n * sizeof(double));
    else for (Py_ssize_t i = 0; i < n; i++) *cell(a, which, start + i, j) = from[i];
}

/* --- boosting: between which edges a cell lies ------------------------------------------------------------------------------------- */

/* How many of some edges in order lie below a value: halves are left behind without a branch. */
INLINE Py_ssize_t below_it(const double *edges, Py_ssize_t many, double value) {
    Py_ssize_t from = 0;
    for (; many > 1; many -= many / 2) from += (edges[from + many / 2 - 1] < value) * (many / 2);
    return from + (many && edges[from] < value);
}

PyDoc_STRVAR(divide_text, "divide(columns, edges, starts, codes)\n--\n\n"
"Write how many of its edges lie below each cell into `codes`: those of row j of `columns` are edges[starts[j]:starts[j + 1]], in order.");

static PyObject *divide(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 4) < 0) return NULL;
    if (take(&a, args[0], "columns", 'd', 2, CONTIGUOUS) || take(&a, args[1], "edges", 'd', 1, CONTIGUOUS) ||
        take(&a, args[2], "starts", 'q', 1, CONTIGUOUS) || take(&a, args[3], "codes", 'B', 2, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t columns = rows_of(&a, 0), rows = columns_of(&a, 0);
    const int64_t *starts = a.views[2].buf;
    if (rows_of(&a, 2) != columns + 1 || rows_of(&a, 3) != columns || columns_of(&a, 3) != rows)
        return refused(&a, "divide: expected one start per column and one more, and one code per cell."), NULL;
    for (Py_ssize_t j = 0; j < columns; j++) {
        if (starts[j] < 0 || starts[j + 1] < starts[j] || starts[j + 1] > rows_of(&a, 1) || starts[j + 1] - starts[j] >= MOST_BINS)
            return refused(&a, "divide: where the edges of a column lie is out of range."), NULL;
        const double *values = (const double *)a.views[0].buf + j * rows, *edges = (const double *)a.views[1].buf + starts[j];
        uint8_t *codes = (uint8_t *)a.views[3].buf + j * rows;
        const Py_ssize_t many = (Py_ssize_t)(starts[j + 1] - starts[j]);
        for (Py_ssize_t i = 0; i < rows; i++) codes[i] = (uint8_t)below_it(edges, many, values[i]);
    }
    released(&a);
    Py_RETURN_NONE;
}

/* --- boosting: a tree --------------------------------------------------------------------------------------------------------------- */

typedef struct {
    double g, h;
} Pair;

INLINE void add(Pair *bin, Pair pair) {
#ifdef __SSE2__
    _mm_storeu_pd(&bin->g, _mm_add_pd(_mm_loadu_pd(&bin->g), _mm_set_pd(pair.h, pair.g)));
#else
    bin->g += pair.g;
    bin->h += pair.h;
#endif
}

/* Add slope and curve of each row to the bin of its leaf, row after row, for some columns at once, each with bins of its own: a sum has to wait for
the one before, and rows are read once for all. */
INLINE void added(const uint8_t *RESTRICT codes, Py_ssize_t columns, const uint16_t *RESTRICT first, const Pair *RESTRICT both, Py_ssize_t rows,
    Pair *RESTRICT bins, size_t cells) {
    for (Py_ssize_t i = 0; i < rows; i++) {
        const Pair pair = both[i];
        const size_t at = first[i];
        for (Py_ssize_t j = 0; j < columns; j++) add(bins + (size_t)j * cells + at + codes[j * rows + i], pair);
    }
}

WIDE static void histograms(const uint8_t *codes, Py_ssize_t columns, const uint16_t *first, const Pair *both, Py_ssize_t rows, Pair *bins, size_t cells) {
    memset(bins, 0, (size_t)columns * cells * sizeof(Pair));
    switch (columns) { /* with their number known, the columns of a row need no loop */
        case 2: added(codes, 2, first, both, rows, bins, cells); break;
        case 4: added(codes, 4, first, both, rows, bins, cells); break;
        default: added(codes, 1, first, both, rows, bins, cells); break;
    }
}

/* Add up what each threshold gains in one leaf, and mark those that would fall where the column must rise. */
WIDE static void gains(const Pair *bins, Py_ssize_t width, Py_ssize_t edges, double ridge, int rising, double *RESTRICT gain,
    uint8_t *RESTRICT falls) {
    double below[MOST_BINS], left[MOST_BINS], g = 0.0, h = 0.0;
    for (Py_ssize_t k = 0; k < width; k++) {
        below[k] = g += bins[k].g;
        left[k] = h += bins[k].h;
    }
    const double whole = g * g / (h + ridge);
    for (Py_ssize_t k = 0; k < edges; k++) {
        const double small = left[k] + ridge, above = g - below[k], large = h - left[k] + ridge;
        gain[k] += below[k] * below[k] / small + above * above / large - whole;
    }
    if (!rising) return;
    for (Py_ssize_t k = 0; k < edges; k++) {
        const double small = left[k] + ridge, above = g - below[k], large = h - left[k] + ridge;
        falls[k] |= -below[k] / small > -above / large + 1e-12;
    }
}

WIDE static int largest(const uint8_t *values, Py_ssize_t n) {
    uint8_t most = 0;
    for (Py_ssize_t i = 0; i < n; i++) most = values[i] > most ? values[i] : most;
    return most;
}

typedef struct {
    const uint8_t *codes, *rising; /* shape (columns, rows), and of each column whether the score may only rise with it */
    const int64_t *edges; /* how many each column has */
    Py_ssize_t columns, rows, bins;
    double ridge, least;
} Questions;

/* Find the question (column, threshold) that gains most in all leaves together; a column of -1 where none gains more than `least`. `first`: where
the bins of each row's leaf begin. `sums`: room for the bins of ABREAST columns. */
static Py_ssize_t best_question(const Questions *q, const uint16_t *first, const Pair *both, Py_ssize_t leaves, Pair *sums, Py_ssize_t *threshold) {
    const size_t cells = (size_t)(leaves * q->bins);
    Py_ssize_t column = -1, start = 0, end = 0, at_once = ABREAST;
    double best = q->least;
    for (Py_ssize_t j = 0; j < q->columns; j++) {
        if (j >= end) {
            start = j;
            while (at_once > q->columns - j) at_once /= 2;
            end = start + at_once;
            histograms(q->codes + j * q->rows, end - start, first, both, q->rows, sums, cells);
        }
        double gain[MOST_BINS] = {0};
        uint8_t falls[MOST_BINS] = {0};
        const Pair *mine = sums + (size_t)(j - start) * cells;
        for (Py_ssize_t l = 0; l < leaves; l++) gains(mine + l * q->bins, q->bins, q->edges[j], q->ridge, q->rising[j], gain, falls);
        Py_ssize_t most = 0;
        int sound = q->edges[j] > 0;
        for (Py_ssize_t k = 0; k < q->edges[j]; k++) {
            if (falls[k]) gain[k] = -1.0;
            if (gain[k] != gain[k]) sound = 0; /* argmax would find it first, and it is greater than nothing */
            if (gain[k] > gain[most]) most = k;
        }
        if (sound && gain[most] > best) best = gain[most], column = j, *threshold = most;
    }
    return column;
}

/* Move each row on to one of the two leaves that its leaf becomes. */
WIDE static void moved_on(uint8_t *RESTRICT leaf, const uint8_t *RESTRICT codes, Py_ssize_t rows, int threshold) {
    for (Py_ssize_t i = 0; i < rows; i++) leaf[i] = (uint8_t)(leaf[i] + leaf[i] + (codes[i] > threshold));
}

PyDoc_STRVAR(grow_text, "grow(codes, edges, rising, columns, some, slope, curve, bins, ridge, least, leaf, feature, place, sums, masses)\n--\n\n"
"Grow a symmetric tree of `columns` on `some` rows; return how many levels it has, at most as many as `feature` is long.\n\n"
"Written are the leaf of every row, the column and the threshold's place of each level, and what slope and curve of some rows come to per leaf.");

static PyObject *grow(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 15) < 0) return NULL;
    const Py_ssize_t bins = PyLong_AsSsize_t(args[7]);
    const double ridge = PyFloat_AsDouble(args[8]), least = PyFloat_AsDouble(args[9]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "codes", 'B', 2, CONTIGUOUS) || take(&a, args[1], "edges", 'q', 1, CONTIGUOUS) ||
        take(&a, args[2], "rising", 'B', 1, CONTIGUOUS) || take(&a, args[3], "columns", 'q', 1, CONTIGUOUS) ||
        take(&a, args[4], "some", 'q', 1, CONTIGUOUS) || take(&a, args[5], "slope", 'd', 1, CONTIGUOUS) ||
        take(&a, args[6], "curve", 'd', 1, CONTIGUOUS) || take(&a, args[10], "leaf", 'B', 1, CONTIGUOUS | WRITABLE) ||
        take(&a, args[11], "feature", 'q', 1, CONTIGUOUS | WRITABLE) || take(&a, args[12], "place", 'q', 1, CONTIGUOUS | WRITABLE) ||
        take(&a, args[13], "sums", 'd', 1, CONTIGUOUS | WRITABLE) || take(&a, args[14], "masses", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t features = rows_of(&a, 0), n = columns_of(&a, 0), columns = rows_of(&a, 3), rows = rows_of(&a, 4), depth = rows_of(&a, 8);
    const uint8_t *codes = a.views[0].buf, *rising = a.views[2].buf;
    const int64_t *edges = a.views[1].buf, *chosen = a.views[3].buf, *some = a.views[4].buf;
    const double *slope = a.views[5].buf, *curve = a.views[6].buf;
    uint8_t *leaf = a.views[7].buf;
    int64_t *feature = a.views[8].buf, *place = a.views[9].buf;
    double *sums = a.views[10].buf, *masses = a.views[11].buf;
    if (rows_of(&a, 1) != features || rows_of(&a, 2) != features || rows_of(&a, 5) != n || rows_of(&a, 6) != n || rows_of(&a, 7) != n)
        return refused(&a, "grow: one edge count and one truth per column, one slope, curve and leaf per row were expected."), NULL;
    if (depth < 1 || depth > DEEPEST || rows_of(&a, 9) != depth || rows_of(&a, 10) != (Py_ssize_t)1 << depth || rows_of(&a, 11) != rows_of(&a, 10))
        return refused(&a, "grow: expected 1 to 8 levels, a column and a place for each, and 2**levels sums and masses."), NULL;
    if (bins < 1 || bins > MOST_BINS) return refused(&a, "grow: expected 1 to 256 bins."), NULL;
    for (Py_ssize_t c = 0; c < columns; c++)
        if (chosen[c] < 0 || chosen[c] >= features || edges[chosen[c]] < 0 || edges[chosen[c]] >= bins)
            return refused(&a, "grow: a column is out of range, or has more edges than bins."), NULL;
    for (Py_ssize_t i = 0; i < rows; i++)
        if (some[i] < 0 || some[i] >= n) return refused(&a, "grow: a row is out of range."), NULL;

    const size_t most = (size_t)bins << (depth - 1);
    uint8_t *part = PyMem_Malloc((size_t)(columns * rows + 1)), *at = PyMem_Calloc((size_t)(rows + 1), 1), *may = PyMem_Malloc((size_t)(columns + 1));
    uint16_t *first = PyMem_Malloc((size_t)(rows + 1) * sizeof(uint16_t));
    int64_t *many = PyMem_Malloc((size_t)(columns + 1) * sizeof(int64_t));
    Pair *both = PyMem_Malloc((size_t)(rows + 1) * sizeof(Pair)), *room = PyMem_Malloc(ABREAST * most * sizeof(Pair));
    PyObject *found = NULL;
    if (!part || !at || !may || !first || !many || !both || !room) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t c = 0; c < columns; c++) {
        const uint8_t *from = codes + chosen[c] * n;
        uint8_t *to = part + c * rows;
        for (Py_ssize_t i = 0; i < rows; i++) to[i] = from[some[i]];
        may[c] = rising[chosen[c]], many[c] = edges[chosen[c]];
    }
    if (columns > 0 && rows > 0 && largest(part, columns * rows) >= bins) {
        PyErr_SetString(PyExc_ValueError, "grow: a code is out of range.");
        goto done;
    }
    for (Py_ssize_t i = 0; i < rows; i++) both[i].g = slope[some[i]], both[i].h = curve[some[i]];
    memset(leaf, 0, (size_t)n);
    const Questions questions = {.codes = part, .rising = may, .edges = many, .columns = columns, .rows = rows, .bins = bins, .ridge = ridge, .least = least};
    Py_ssize_t level = 0;
    for (; level < depth; level++) {
        Py_ssize_t threshold = 0;
        for (Py_ssize_t i = 0; i < rows; i++) first[i] = (uint16_t)(at[i] * bins); /* at most 127 * 256 */
        const Py_ssize_t c = best_question(&questions, first, both, (Py_ssize_t)1 << level, room, &threshold);
        if (c < 0) break;
        feature[level] = chosen[c], place[level] = threshold;
        moved_on(at, part + c * rows, rows, (int)threshold);
        moved_on(leaf, codes + chosen[c] * n, n, (int)threshold);
    }
    const int missing = (int)(depth - level);
    for (Py_ssize_t i = 0; missing && i < n; i++) leaf[i] = (uint8_t)(leaf[i] << missing);
    memset(sums, 0, ((size_t)1 << depth) * sizeof(double));
    memset(masses, 0, ((size_t)1 << depth) * sizeof(double));
    for (Py_ssize_t i = 0; i < rows; i++) {
        const size_t where = (size_t)at[i] << missing;
        sums[where] += both[i].g;
        masses[where] += both[i].h;
    }
    found = PyLong_FromSsize_t(level);
done:
    PyMem_Free(part), PyMem_Free(at), PyMem_Free(may), PyMem_Free(first), PyMem_Free(many), PyMem_Free(both), PyMem_Free(room), released(&a);
    return found;
}

/* --- symmetric trees --------------------------------------------------------------------------------------------------------------- */

INLINE void answers(const double *const *columns, const double *thresholds, int depth, Py_ssize_t n, int64_t *RESTRICT leaf) {
    for (Py_ssize_t i = 0; i < n; i++) {
        int64_t at = 0;
        for (int level = 0; level < depth; level++) at = at + at + (columns[level][i] > thresholds[level]);
        leaf[i] = at;
    }
}

/* Find the leaf of up to BLOCK rows: with the depth known, the questions of all levels become one loop. */
WIDE static void leaves_of(const double *const *columns, const double *thresholds, int depth, Py_ssize_t n, int64_t *RESTRICT leaf) {
    switch (depth) {
        case 1: answers(columns, thresholds, 1, n, leaf); break;
        case 2: answers(columns, thresholds, 2, n, leaf); break;
        case 3: answers(columns, thresholds, 3, n, leaf); break;
        case 4: answers(columns, thresholds, 4, n, leaf); break;
        case 5: answers(columns, thresholds, 5, n, leaf); break;
        case 6: answers(columns, thresholds, 6, n, leaf); break;
        case 7: answers(columns, thresholds, 7, n, leaf); break;
        default: answers(columns, thresholds, 8, n, leaf); break;
    }
}

/* A cell of one of two tables that stand side by side. */
INLINE const double *either(const Arrays *a, Py_ssize_t first, Py_ssize_t i, Py_ssize_t j) {
    return j < first ? cell(a, 0, i, j) : cell(a, 1, i, j - first);
}

PyDoc_STRVAR(score_trees_text, "score_trees(table, more, feature, threshold, leaves, base, total)\n--\n\n"
"Write the sum of the trees per row into `total`, tree after tree. `more`: the columns that follow those of the table, shape (n, 0) or wider.");

static PyObject *score_trees(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 7) < 0) return NULL;
    const double base = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "table", 'd', 2, 0) || take(&a, args[1], "more", 'd', 2, 0) || take(&a, args[2], "feature", 'q', 2, CONTIGUOUS) ||
        take(&a, args[3], "threshold", 'd', 2, CONTIGUOUS) ||
        take(&a, args[4], "leaves", 'd', 2, CONTIGUOUS) || take(&a, args[6], "total", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), first = columns_of(&a, 0), width = first + columns_of(&a, 1), trees = rows_of(&a, 2),
        depth = columns_of(&a, 2);
    if (depth < 1 || depth > DEEPEST || rows_of(&a, 3) != trees || columns_of(&a, 3) != depth || rows_of(&a, 4) != trees ||
        columns_of(&a, 4) != (Py_ssize_t)1 << depth || rows_of(&a, 5) != n || rows_of(&a, 1) != n)
        return refused(&a, "score_trees: expected one threshold per feature, 2**depth leaves per tree, a depth of 1 to 8, and one total per row."),
            NULL;
    const int64_t *feature = a.views[2].buf;
    const double *threshold = a.views[3].buf, *leaves = a.views[4].buf;
    double *total = a.views[5].buf;
    const Py_ssize_t questions = trees * depth, some = n < BLOCK ? n : BLOCK;
    /* Whether the cells of a column lie side by side; of no rows or no columns they do. */
    const int beside = a.views[0].strides[0] == (Py_ssize_t)sizeof(double) && (width == first || a.views[1].strides[0] == (Py_ssize_t)sizeof(double));
    Py_ssize_t *offset = PyMem_Malloc((size_t)(questions + 1) * sizeof(Py_ssize_t)); /* a copy that nobody else can change */
    double *block = PyMem_Malloc((size_t)(beside ? 1 : width * some + 1) * sizeof(double));
    if (!offset || !block) {
        PyMem_Free(offset), PyMem_Free(block), released(&a);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t q = 0; q < questions; q++) {
        if (feature[q] < 0 || feature[q] >= width) {
            PyMem_Free(offset), PyMem_Free(block);
            return refused(&a, "score_trees: a tree asks for a column that the table does not have."), NULL;
        }
        offset[q] = (Py_ssize_t)feature[q];
    }
    for (Py_ssize_t start = 0; start < n; start += BLOCK) {
        const Py_ssize_t m = n - start < BLOCK ? n - start : BLOCK;
        if (m < 4) { /* row by row */
            for (Py_ssize_t i = start; i < start + m; i++) {
                double sum = base;
                for (Py_ssize_t t = 0; t < trees; t++) {
                    Py_ssize_t at = 0;
                    for (Py_ssize_t q = t * depth; q < (t + 1) * depth; q++) at = at + at + (*either(&a, first, i, offset[q]) > threshold[q]);
                    sum += leaves[(t << depth) + at];
                }
                total[i] = sum;
            }
            continue;
        }
        if (!beside)
            for (Py_ssize_t i = 0; i < m; i++)
                for (Py_ssize_t j = 0; j < width; j++) block[j * some + i] = *either(&a, first, start + i, j);
        for (Py_ssize_t i = 0; i < m; i++) total[start + i] = base;
        for (Py_ssize_t t = 0; t < trees; t++) {
            const double *columns[DEEPEST];
            int64_t leaf[BLOCK];
            for (Py_ssize_t level = 0; level < depth; level++) {
                const Py_ssize_t j = offset[t * depth + level];
                columns[level] = beside ? either(&a, first, start, j) : block + j * some;
            }
            leaves_of(columns, threshold + t * depth, (int)depth, m, leaf);
            for (Py_ssize_t i = 0; i < m; i++) total[start + i] += leaves[(t << depth) + leaf[i]];
        }
    }
    PyMem_Free(offset), PyMem_Free(block), released(&a);
    Py_RETURN_NONE;
}

/* --- a line ------------------------------------------------------------------------------------------------------------------------ */

PyDoc_STRVAR(line_text, "line(table, low, high, weights, intercept, bound, total)\n--\n\n"
"Write the weighted sum of each row's first columns, kept between `low` and `high`, into `total`: column after column, within the bound.");

static PyObject *line(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 7) < 0) return NULL;
    const double intercept = PyFloat_AsDouble(args[4]), bound = PyFloat_AsDouble(args[5]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "table", 'd', 2, 0) || take(&a, args[1], "low", 'd', 1, CONTIGUOUS) || take(&a, args[2], "high", 'd', 1, CONTIGUOUS) ||
        take(&a, args[3], "weights", 'd', 1, CONTIGUOUS) || take(&a, args[6], "total", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = rows_of(&a, 1);
    if (d < 1 || d > columns_of(&a, 0) || rows_of(&a, 2) != d || rows_of(&a, 3) != d || rows_of(&a, 4) != n)
        return refused(&a, "line: expected bounds and a weight for some of the columns, and one total per row."), NULL;
    const double *low = a.views[1].buf, *high = a.views[2].buf, *weights = a.views[3].buf;
    double *total = a.views[4].buf;
    for (Py_ssize_t start = 0; start < n; start += BLOCK) {
        const Py_ssize_t m = n - start < BLOCK ? n - start : BLOCK;
        double column[BLOCK], sum[BLOCK];
        for (Py_ssize_t j = 0; j < d; j++) {
            read_column(&a, 0, start, j, m, column);
            for (Py_ssize_t i = 0; i < m; i++) {
                const double part = within(column[i], low[j], high[j]) * weights[j];
                sum[i] = j ? sum[i] + part : part;
            }
        }
        for (Py_ssize_t i = 0; i < m; i++) total[start + i] = within(sum[i] + intercept, -bound, bound);
    }
    released(&a);
    Py_RETURN_NONE;
}

/* --- nearest rows ------------------------------------------------------------------------------------------------------------------ */

/* Squared distances of a row of whole numbers to all rows, less its own square: `size` + -2 x.r, the cells two by two. */
static void squared(const int16_t *RESTRICT row, const int16_t *RESTRICT pairs, const int32_t *RESTRICT size, Py_ssize_t width, Py_ssize_t n,
                    int32_t *RESTRICT found) {
    Py_ssize_t start = 0;
#ifdef __SSE2__
    for (; start + 16 <= n; start += 16) { /* two products and their sum in one instruction, for four rows at once */
        __m128i sums[4];
        for (int q = 0; q < 4; q++) sums[q] = _mm_loadu_si128((const __m128i *)(size + start + 4 * q));
        for (Py_ssize_t k = 0; k < width; k++) {
            int32_t two;
            memcpy(&two, row + 2 * k, sizeof two);
            const __m128i x = _mm_set1_epi32(two);
            const int16_t *at = pairs + 2 * (k * n + start);
            for (int q = 0; q < 4; q++) sums[q] = _mm_add_epi32(sums[q], _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)(at + 8 * q))));
        }
        for (int q = 0; q < 4; q++) _mm_storeu_si128((__m128i *)(found + start + 4 * q), sums[q]);
    }
#endif
    for (; start < n; start++) {
        uint32_t sum = (uint32_t)size[start];
        for (Py_ssize_t k = 0; k < width; k++) {
            const int16_t *at = pairs + 2 * (k * n + start);
            sum += (uint32_t)(row[2 * k] * at[0]) + (uint32_t)(row[2 * k + 1] * at[1]);
        }
        found[start] = (int32_t)sum;
    }
}

WIDE static int32_t smallest(const int32_t *values, Py_ssize_t n) {
    int32_t least = values[0];
    for (Py_ssize_t i = 1; i < n; i++) least = values[i] < least ? values[i] : least;
    return least;
}

PyDoc_STRVAR(nearest_text, "nearest(scores, pairs, sizes, starts, groups, column, farthest, steps, nowhere, small, found)\n--\n\n"
"Write the distance to the nearest row and the ratio of own and other into `found`, shape (n, 2). `pairs`: -2 times the rows, whole numbers, two cells\n"
"side by side; `sizes`: their squares. `column` says which of the starts is a group's; a group beyond its end is the last.");

static PyObject *nearest(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 11) < 0) return NULL;
    const double farthest = PyFloat_AsDouble(args[6]), steps = PyFloat_AsDouble(args[7]), nowhere = PyFloat_AsDouble(args[8]),
        little = PyFloat_AsDouble(args[9]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "scores", 'd', 2, 0) || take(&a, args[1], "pairs", 'h', 3, CONTIGUOUS) || take(&a, args[2], "sizes", 'i', 1, CONTIGUOUS) ||
        take(&a, args[3], "starts", 'q', 1, CONTIGUOUS) || take(&a, args[4], "groups", 'q', 1, CONTIGUOUS) ||
        take(&a, args[5], "column", 'q', 1, CONTIGUOUS) || take(&a, args[10], "found", 'd', 2, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0), width = rows_of(&a, 1), rows = columns_of(&a, 1), groups = rows_of(&a, 3),
        known = rows_of(&a, 5);
    const int64_t *own = a.views[4].buf, *column = a.views[5].buf;
    double *found = a.views[6].buf;
    if (width != (d + 1) / 2 || a.views[1].shape[2] != 2 || rows_of(&a, 2) != rows || rows_of(&a, 4) != n || known < 1 || rows_of(&a, 6) != n ||
        columns_of(&a, 6) != 2)
        return refused(&a, "nearest: expected half as many pairs as there are columns, a size per row, one group per score, and two results."), NULL;
    if (!(farthest >= 0.0 && steps >= 1.0 && farthest * steps <= 32767.0))
        return refused(&a, "nearest: expected normal scores that are no more than 32767 steps."), NULL;
    Py_ssize_t *bounds = PyMem_Malloc((size_t)(groups + 1) * sizeof(Py_ssize_t)); /* a copy that nobody else can change */
    int16_t *block = PyMem_Malloc((size_t)(2 * width + 1) * BLOCK * sizeof(int16_t));
    int32_t *squares = PyMem_Malloc((size_t)(rows + 1) * sizeof(int32_t));
    if (!bounds || !block || !squares) {
        PyMem_Free(bounds), PyMem_Free(block), PyMem_Free(squares), released(&a);
        return PyErr_NoMemory();
    }
    const char *wrong = NULL;
    for (Py_ssize_t g = 0; g < groups; g++) bounds[g] = (Py_ssize_t)((const int64_t *)a.views[3].buf)[g];
    bounds[groups] = rows;
    for (Py_ssize_t g = 0; g < groups && !wrong; g++)
        if (bounds[g] < 0 || bounds[g] >= bounds[g + 1] || bounds[g + 1] > rows)
            wrong = "nearest: the starts of the groups do not rise within the rows.";
    for (Py_ssize_t start = 0; start < n && !wrong; start += BLOCK) {
        const Py_ssize_t m = n - start < BLOCK ? n - start : BLOCK;
        double cells[BLOCK], size[BLOCK] = {0};
        for (Py_ssize_t i = 0; d % 2 && i < m; i++) block[2 * width * i + d] = 0;
        for (Py_ssize_t j = 0; j < d; j++) {
            read_column(&a, 0, start, j, m, cells);
            for (Py_ssize_t i = 0; i < m; i++) {
                const double whole = nearest_whole(within(cells[i], -farthest, farthest) * steps);
                size[i] += whole * whole; /* NaN stays what it is */
                block[2 * width * i + j] = (int16_t)(whole == whole ? whole : 0.0);
            }
        }
        for (Py_ssize_t i = 0; i < m; i++) {
            const int64_t group = own[start + i] < known ? own[start + i] : known - 1, mine = group < 0 ? -1 : column[group];
            if (mine < 0 || mine > groups) {
                wrong = "nearest: a group is out of range.";
                break;
            }
            squared(block + 2 * width * i, a.views[1].buf, a.views[2].buf, width, rows, squares);
            double same = nowhere, other = nowhere;
            for (Py_ssize_t g = 0; g < groups; g++) {
                double distance = sqrt((double)smallest(squares + bounds[g], bounds[g + 1] - bounds[g]) + size[i]) / steps;
                distance = distance > nowhere ? nowhere : distance;
                if (g == mine) same = distance;
                else if (!(distance >= other)) other = distance;
            }
            found[2 * (start + i)] = same < other ? same : other;
            found[2 * (start + i) + 1] = (same + little) / (other + little);
        }
    }
    PyMem_Free(bounds), PyMem_Free(block), PyMem_Free(squares);
    if (wrong) return refused(&a, wrong), NULL;
    released(&a);
    Py_RETURN_NONE;
}

/* --- the copula -------------------------------------------------------------------------------------------------------------------- */

/* Put the cells that are unknown at their conditional means, cell after cell. The product of a row on the grid with the matrix is exact. */
static void fill_row(double *row, const uint8_t *unknown, const double *precision, Py_ssize_t d, int sweeps) {
    for (int sweep = 0; sweep < sweeps; sweep++)
        for (Py_ssize_t j = 0; j < d; j++)
            if (unknown[j]) {
                double product = 0.0;
                for (Py_ssize_t k = 0; k < d; k++) product += row[k] * precision[k * d + j];
                row[j] = on_grid(row[j] - product / precision[j * d + j]);
            }
}

PyDoc_STRVAR(surprise_text, "surprise(scores, precision, unit, sweeps, filled, residual, distance)\n--\n\n"
"Write the filled scores, the residuals and the distances of rows with NaN where unknown.");

/* Put a column of up to BLOCK cells on the grid, 0 where nothing is known; return whether any is unknown. */
WIDE static int gridded(const double *RESTRICT scores, Py_ssize_t n, double *RESTRICT filled, uint8_t *RESTRICT unknown) {
    double gone = 0.0;
    for (Py_ssize_t i = 0; i < n; i++) {
        const int there = scores[i] == scores[i];
        filled[i] = there ? on_grid(scores[i]) : 0.0;
        gone += there ? 0.0 : 1.0;
    }
    for (Py_ssize_t i = 0; i < n; i++) unknown[i] = gone > 0.0 && scores[i] != scores[i];
    return gone > 0.0;
}

/* For up to BLOCK rows, cells of a column side by side: products with the matrix (exact), residuals, and distances summed column after column. */
WIDE static void surprises(const double *RESTRICT filled, const double *RESTRICT precision, const double *RESTRICT unit, Py_ssize_t d, Py_ssize_t n,
                           double *RESTRICT residual, double *RESTRICT distance) {
    for (Py_ssize_t j = 0; j < d; j++) {
        double product[BLOCK] = {0};
        for (Py_ssize_t k = 0; k < d; k++) {
            const double weight = precision[k * d + j];
            for (Py_ssize_t i = 0; i < n; i++) product[i] += filled[k * BLOCK + i] * weight;
        }
        for (Py_ssize_t i = 0; i < n; i++) {
            residual[j * BLOCK + i] = product[i] * unit[j];
            distance[i] = j ? distance[i] + filled[j * BLOCK + i] * product[i] : filled[i] * product[i];
        }
    }
}

static PyObject *surprise(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 7) < 0) return NULL;
    const long most = PyLong_AsLong(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "scores", 'd', 2, 0) || take(&a, args[1], "precision", 'd', 2, CONTIGUOUS) ||
        take(&a, args[2], "unit", 'd', 1, CONTIGUOUS) ||
        take(&a, args[4], "filled", 'd', 2, WRITABLE) || take(&a, args[5], "residual", 'd', 2, WRITABLE) ||
            take(&a, args[6], "distance", 'd', 1, WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0);
    if (d < 1 || rows_of(&a, 1) != d || columns_of(&a, 1) != d || rows_of(&a, 2) != d || rows_of(&a, 3) != n || columns_of(&a, 3) != d ||
        rows_of(&a, 4) != n || columns_of(&a, 4) != d || rows_of(&a, 5) != n || most < 1 || most > 100)
        return refused(&a,
            "surprise: expected scores, (n, d), a square matrix of their columns, results of the same shapes, and 1 to 100 sweeps."), NULL;
    const double *precision = a.views[1].buf, *unit = a.views[2].buf;
    double *filled = PyMem_Malloc((size_t)d * BLOCK * sizeof(double)), *residual = PyMem_Malloc((size_t)d * BLOCK * sizeof(double));
    double *row = PyMem_Malloc((size_t)d * sizeof(double));
    uint8_t *unknown = PyMem_Malloc((size_t)d * (BLOCK + 1)), *gone = unknown + d * BLOCK;
    if (!filled || !residual || !row || !unknown) {
        PyMem_Free(filled), PyMem_Free(residual), PyMem_Free(row), PyMem_Free(unknown), released(&a);
        return PyErr_NoMemory();
    }
    /* A single unknown cell is at its mean after one sweep; as soon as any row has more, all are swept as often. */
    int sweeps = 1;
    for (Py_ssize_t i = 0; i < n && sweeps == 1; i++) {
        int gaps = 0;
        for (Py_ssize_t j = 0; j < d; j++) gaps += *cell(&a, 0, i, j) != *cell(&a, 0, i, j);
        if (gaps > 1) sweeps = (int)most;
    }
    for (Py_ssize_t start = 0; start < n; start += BLOCK) {
        const Py_ssize_t m = n - start < BLOCK ? n - start : BLOCK;
        double column[BLOCK], distance[BLOCK];
        int some = 0;
        for (Py_ssize_t j = 0; j < d; j++) {
            read_column(&a, 0, start, j, m, column);
            some |= gridded(column, m, filled + j * BLOCK, unknown + j * BLOCK);
        }
        for (Py_ssize_t i = 0; some && i < m; i++) {
            int gaps = 0;
            for (Py_ssize_t j = 0; j < d; j++) gaps |= gone[j] = unknown[j * BLOCK + i];
            if (!gaps) continue;
            for (Py_ssize_t j = 0; j < d; j++) row[j] = filled[j * BLOCK + i];
            fill_row(row, gone, precision, d, sweeps);
            for (Py_ssize_t j = 0; j < d; j++) filled[j * BLOCK + i] = row[j];
        }
        surprises(filled, precision, unit, d, m, residual, distance);
        for (Py_ssize_t j = 0; j < d; j++) {
            for (Py_ssize_t i = 0; some && i < m; i++) residual[j * BLOCK + i] = unknown[j * BLOCK + i] ? 0.0 : residual[j * BLOCK + i];
            write_column(&a, 3, start, j, m, filled + j * BLOCK);
            write_column(&a, 4, start, j, m, residual + j * BLOCK);
        }
        for (Py_ssize_t i = 0; i < m; i++) *item(&a, 5, start + i) = (distance[i] < 0.0 ? 0.0 : distance[i]) + 0.0;
    }
    PyMem_Free(filled), PyMem_Free(residual), PyMem_Free(row), PyMem_Free(unknown), released(&a);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(fill_text, "fill(rows, unknown, precision, sweeps)\n--\n\n"
"Put unknown cells of rows at their conditional means, in place.");

static PyObject *fill(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 4) < 0) return NULL;
    const long most = PyLong_AsLong(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "rows", 'd', 2, CONTIGUOUS | WRITABLE) || take(&a, args[1], "unknown", 'B', 2, CONTIGUOUS) ||
        take(&a, args[2], "precision", 'd', 2, CONTIGUOUS))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0);
    if (rows_of(&a, 1) != n || columns_of(&a, 1) != d || rows_of(&a, 2) != d || columns_of(&a, 2) != d || most < 1 || most > 100)
        return refused(&a, "fill: expected rows, (n, d), which cells are unknown, a square matrix of their columns, and 1 to 100 sweeps."), NULL;
    for (Py_ssize_t i = 0; i < n; i++) fill_row((double *)a.views[0].buf + i * d, (uint8_t *)a.views[1].buf + i * d, a.views[2].buf, d, (int)most);
    released(&a);
    Py_RETURN_NONE;
}

/* --- normal scores ----------------------------------------------------------------------------------------------------------------- */

PyDoc_STRVAR(interpolate_text, "interpolate(values, columns, bounds, starts, knots, lines, scores, far)\n--\n\n"
"Write the normal scores of numbers within their range into the columns of `scores`; mark in `far` those beyond, and return how many.");

static PyObject *interpolate(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 8) < 0) return NULL;
    if (take(&a, args[0], "values", 'd', 2, 0) || take(&a, args[1], "columns", 'q', 1, CONTIGUOUS) ||
        take(&a, args[2], "bounds", 'd', 2, CONTIGUOUS) ||
        take(&a, args[3], "starts", 'q', 1, CONTIGUOUS) || take(&a, args[4], "knots", 'd', 1, CONTIGUOUS) ||
            take(&a, args[5], "lines", 'd', 2, CONTIGUOUS) ||
        take(&a, args[6], "scores", 'd', 2, WRITABLE) || take(&a, args[7], "far", 'B', 2, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0), numbers = rows_of(&a, 1), pieces = columns_of(&a, 5);
    const int64_t *columns = a.views[1].buf, *starts = a.views[3].buf;
    const double *bounds = a.views[2].buf, *all = a.views[4].buf, *lines = a.views[5].buf;
    uint8_t *far = a.views[7].buf;
    if (rows_of(&a, 2) != 2 || columns_of(&a, 2) != numbers || rows_of(&a, 3) != numbers + 1 || rows_of(&a, 5) != 3 || rows_of(&a, 6) != n ||
        columns_of(&a, 6) != d || rows_of(&a, 7) != numbers || columns_of(&a, 7) != n)
        return refused(&a, "interpolate: the arrays do not belong together."), NULL;
    Py_ssize_t many = 0;
    for (Py_ssize_t c = 0; c < numbers; c++) {
        /* Knots of column c: from all[first] to before all[end]; its pieces, one more than knots, begin c places further on. */
        const Py_ssize_t j = (Py_ssize_t)columns[c], first = (Py_ssize_t)starts[c], end = (Py_ssize_t)starts[c + 1];
        if (j < 0 || j >= d || first < 0 || end < first || end > rows_of(&a, 4) || end + c >= pieces)
            return refused(&a, "interpolate: a column, or where its knots lie, is out of range."), NULL;
        const double low = bounds[c], high = bounds[numbers + c], *knots = all + first, *line = lines + first + c;
        for (Py_ssize_t i = 0; i < n; i++) {
            const double value = *cell(&a, 0, i, j), near = within(value, low, high);
            Py_ssize_t at = 0, left = end - first; /* how many knots are not above the value: all, for a NaN */
            while (left > 0) {
                const Py_ssize_t half = left - left / 2;
                at += knots[at + half - 1] > value ? 0 : half;
                left -= half;
            }
            *cell(&a, 6, i, j) = line[pieces + at] + line[2 * pieces + at] * (near - line[at]);
            far[c * n + i] = value < low || value > high;
            many += far[c * n + i];
        }
    }
    released(&a);
    return PyLong_FromSsize_t(many);
}

PyDoc_STRVAR(look_up_text, "look_up(values, columns, starts, table, found, into)\n--\n\n"
"Write what a table says of positions, NaN being the last of each column, into columns `into` of `found`.");

static PyObject *look_up(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 6) < 0) return NULL;
    if (take(&a, args[0], "values", 'd', 2, 0) || take(&a, args[1], "columns", 'q', 1, CONTIGUOUS) ||
        take(&a, args[2], "starts", 'q', 1, CONTIGUOUS) ||
        take(&a, args[3], "table", 'd', 1, CONTIGUOUS) || take(&a, args[4], "found", 'd', 2, WRITABLE) ||
            take(&a, args[5], "into", 'q', 1, CONTIGUOUS))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), categories = rows_of(&a, 1);
    const int64_t *columns = a.views[1].buf, *starts = a.views[2].buf, *into = a.views[5].buf;
    if (rows_of(&a, 2) != categories + 1 || rows_of(&a, 5) != categories || rows_of(&a, 4) != n)
        return refused(&a, "look_up: the arrays do not belong together."), NULL;
    for (Py_ssize_t c = 0; c < categories; c++) {
        const Py_ssize_t from = (Py_ssize_t)columns[c], to = (Py_ssize_t)into[c], first = (Py_ssize_t)starts[c], end = (Py_ssize_t)starts[c + 1];
        if (from < 0 || from >= columns_of(&a, 0) || to < 0 || to >= columns_of(&a, 4) || first < 0 || end <= first || end > rows_of(&a, 3))
            return refused(&a, "look_up: a column, or where its values lie, is out of range."), NULL;
        const double *table = (const double *)a.views[3].buf + first, most = (double)(end - first);
        for (Py_ssize_t i = 0; i < n; i++) {
            const double position = *cell(&a, 0, i, from);
            if (!(position > -1.0 && position < most) && position == position) return refused(&a, "look_up: a position is out of range."), NULL;
            *cell(&a, 4, i, to) = table[position == position ? (Py_ssize_t)position : end - first - 1];
        }
    }
    released(&a);
    Py_RETURN_NONE;
}

/* --- cells of a row, summed up ------------------------------------------------------------------------------------------------------ */

enum { OK, MISSING, UNSEEN, STATES = 6, RANKS = 3, SUMS = 17 }; /* as in camelopard.evidence.reading and camelopard.evidence.impact */

PyDoc_STRVAR(sum_up_text, "sum_up(suspicions, states, filled, rarities, weights, category_weights, marks, most, summary, places, odd)\n--\n\n"
"Write what the cells of each row come to: into `summary`, shape (n, 17), the three largest suspicions, the weights of their columns, the sums of\n"
"suspicions and of weighted ones, the largest weighted one, the farthest score, how many cells are in each of four states, the weight of those\n"
"that no clean cell is in, the rarest category and its weight; into `places`, shape (n, d), scores, or marks for odd states; into `odd` the sum of\n"
"suspicions of at most `most`.");

static PyObject *sum_up(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 11) < 0) return NULL;
    const double most = PyFloat_AsDouble(args[7]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "suspicions", 'd', 2, 0) || take(&a, args[1], "states", 'B', 2, 0) || take(&a, args[2], "filled", 'd', 2, 0) ||
        take(&a, args[3], "rarities", 'd', 2, 0) || take(&a, args[4], "weights", 'd', 1, CONTIGUOUS) ||
        take(&a, args[5], "category_weights", 'd', 1, CONTIGUOUS) || take(&a, args[6], "marks", 'd', 1, CONTIGUOUS) ||
        take(&a, args[8], "summary", 'd', 2, WRITABLE) || take(&a, args[9], "places", 'd', 2, WRITABLE) ||
        take(&a, args[10], "odd", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0), categories = rows_of(&a, 5);
    const double *weights = a.views[4].buf, *of_category = a.views[5].buf, *marks = a.views[6].buf;
    double *odd = a.views[9].buf;
    if (d < 1 || rows_of(&a, 1) != n || columns_of(&a, 1) != d || rows_of(&a, 2) != n || columns_of(&a, 2) != d || rows_of(&a, 3) != n ||
        columns_of(&a, 3) != categories || rows_of(&a, 4) != d || rows_of(&a, 6) != STATES || rows_of(&a, 7) != n || columns_of(&a, 7) != SUMS ||
        rows_of(&a, 8) != n || columns_of(&a, 8) != d || rows_of(&a, 9) != n)
        return refused(&a, "sum_up: expected cells and places of one shape, a weight per column and category, a mark per state, and 17 sums."), NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_ssize_t order[RANKS] = {-1, -1, -1};
        double sum = 0.0, weighted = 0.0, top = 0.0, farthest = 0.0, hard = 0.0, bounded = 0.0, counts[STATES] = {0};
        for (Py_ssize_t j = 0; j < d; j++) {
            const double cost = *cell(&a, 0, i, j), score = *cell(&a, 2, i, j), heavy = cost * weights[j], far = fabs(score);
            const uint8_t state = *((const uint8_t *)a.views[1].buf + i * a.views[1].strides[0] + j * a.views[1].strides[1]);
            if (state >= STATES) return refused(&a, "sum_up: a state is out of range."), NULL;
            sum = j ? sum + cost : cost;
            weighted = j ? weighted + heavy : heavy;
            top = j && top >= heavy ? top : heavy;
            farthest = j && farthest >= far ? farthest : far;
            hard = j ? hard + (state > MISSING ? weights[j] : 0.0) : (state > MISSING ? weights[j] : 0.0);
            bounded = j ? bounded + (cost < most ? cost : most) : (cost < most ? cost : most);
            counts[state] += 1.0;
            *cell(&a, 8, i, j) = state == OK ? score : marks[state];
            for (int k = 0; k < RANKS; k++) { /* the first of equals first */
                if (order[k] >= 0 && !(cost > *cell(&a, 0, i, order[k]))) continue;
                for (int later = RANKS - 1; later > k; later--) order[later] = order[later - 1];
                order[k] = j;
                break;
            }
        }
        for (int k = 1; k < RANKS; k++)
            if (order[k] < 0) order[k] = order[k - 1]; /* of fewer columns the last again */
        double rarest = 0.0, its_weight = 0.0;
        for (Py_ssize_t c = 0; c < categories; c++) {
            const double rare = *cell(&a, 3, i, c);
            if (!(rare > rarest)) continue;
            rarest = rare, its_weight = of_category[c];
        }
        const double found[SUMS] = {*cell(&a, 0, i, order[0]), *cell(&a, 0, i, order[1]), *cell(&a, 0, i, order[2]), weights[order[0]],
            weights[order[1]], weights[order[2]], sum, weighted, top, farthest, counts[MISSING], counts[UNSEEN], counts[3], counts[4], hard, rarest,
            its_weight};
        for (Py_ssize_t k = 0; k < SUMS; k++) *cell(&a, 7, i, k) = found[k];
        odd[i] = bounded;
    }
    released(&a);
    Py_RETURN_NONE;
}

/* --- texts ------------------------------------------------------------------------------------------------------------------------- */

enum { ORDER = 4, HIGHEST = 1 << 16 }; /* as in camelopard.modality.text_grams */

/* Where a key lies among those of its bucket, or -1. */
INLINE Py_ssize_t place_of(uint64_t key, const uint64_t *keys, const int64_t *starts, int shift, Py_ssize_t known) {
    const uint64_t bucket = (key * 0x9E3779B97F4A7C15u) >> shift;
    const int64_t first = starts[bucket], end = starts[bucket + 1];
    if (first < 0 || end > known) return -1;
    for (int64_t at = first; at < end; at++)
        if (keys[at] == key) return (Py_ssize_t)at;
    return -1;
}

PyDoc_STRVAR(grams_text, "grams(codes, cut, symbols, keys, starts, shift, bits, found)\n--\n\n"
"Write the bits of each group of four characters, or of the longest known end of it. `codes`: characters, from `cut` on those of the second set;\n"
"`keys` lie bucket by bucket, and `starts` says where each of the 2**(64 - shift) buckets begins.");

static PyObject *grams(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 8) < 0) return NULL;
    const Py_ssize_t cut = PyLong_AsSsize_t(args[1]);
    const long shift = PyLong_AsLong(args[5]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "codes", 'I', 1, CONTIGUOUS) || take(&a, args[2], "symbols", 'H', 1, CONTIGUOUS) ||
        take(&a, args[3], "keys", 'Q', 1, CONTIGUOUS) || take(&a, args[4], "starts", 'q', 1, CONTIGUOUS) ||
        take(&a, args[6], "bits", 'd', 1, CONTIGUOUS) || take(&a, args[7], "found", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), known = rows_of(&a, 2);
    if (rows_of(&a, 1) != 2 * (HIGHEST + 1) || rows_of(&a, 4) != known || rows_of(&a, 5) != (n < ORDER ? 0 : n - ORDER + 1) || shift < 40 ||
        shift > 63 || rows_of(&a, 3) != ((Py_ssize_t)1 << (64 - shift)) + 1)
        return refused(&a, "grams: expected symbols of two sets, bits per key, 2**(64 - shift) buckets, and a result per group."), NULL;
    const uint32_t *codes = a.views[0].buf;
    const uint16_t *symbols = a.views[1].buf;
    const uint64_t *keys = a.views[2].buf;
    const int64_t *starts = a.views[3].buf;
    const double *bits = a.views[4].buf;
    double *found = a.views[5].buf;
    uint64_t key = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        const uint32_t code = codes[i] < HIGHEST ? codes[i] : HIGHEST;
        key = key >> 16 | (uint64_t)symbols[i < cut ? code : code + HIGHEST + 1] << 48;
        if (i < ORDER - 1) continue;
        Py_ssize_t at = place_of(key, keys, starts, (int)shift, known);
        for (int gone = 1; at < 0 && gone <= ORDER; gone++) {
            const uint64_t mask = gone < ORDER ? ((uint64_t)1 << 16 * gone) - 1 : ((uint64_t)1 << 63) - 1;
            at = place_of(key | mask, keys, starts, (int)shift, known);
        }
        if (at < 0) return refused(&a, "grams: there is no group for what is not known."), NULL;
        found[i - ORDER + 1] = bits[at];
    }
    released(&a);
    Py_RETURN_NONE;
}

INLINE uint64_t mixed(uint64_t x, uint64_t mix) {
    x = (x ^ x >> 33) * mix;
    return x ^ x >> 33;
}

PyDoc_STRVAR(hashed_text, "hashed(codes, words, factors, mix, found)\n--\n\n"
"Write the hashes of groups of three characters, of four, and of words.");

static PyObject *hashed(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 5) < 0) return NULL;
    const uint64_t mix = PyLong_AsUnsignedLongLong(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (take(&a, args[0], "codes", 'I', 1, CONTIGUOUS) || take(&a, args[1], "words", 'Q', 1, CONTIGUOUS) ||
        take(&a, args[2], "factors", 'Q', 1, CONTIGUOUS) || take(&a, args[4], "found", 'Q', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t threes = rows_of(&a, 0) - 2, words = rows_of(&a, 1);
    if (threes < 1 || rows_of(&a, 2) != 4 || rows_of(&a, 3) != 2 * threes - 1 + words)
        return refused(&a, "hashed: expected three characters or more, four factors, and a result per group and word."), NULL;
    const uint32_t *codes = a.views[0].buf;
    const uint64_t *word = a.views[1].buf, *factors = a.views[2].buf;
    uint64_t *found = a.views[3].buf;
    for (Py_ssize_t i = 0; i < threes; i++) {
        const uint64_t three = codes[i] * factors[0] + codes[i + 1] * factors[1] + codes[i + 2] * factors[2];
        found[i] = mixed(three, mix);
        if (i + 1 < threes) found[threes + i] = mixed(three + codes[i + 3] * factors[3], mix);
    }
    for (Py_ssize_t k = 0; k < words; k++) found[2 * threes - 1 + k] = mixed(word[k] * factors[0], mix);
    released(&a);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(unit_text, "unit(hashes, worth, found)\n--\n\n"
"Write the unit vector of hashed features: the lowest bits are the place in it, those above look up what a feature is worth.");

static PyObject *unit(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 3) < 0) return NULL;
    if (take(&a, args[0], "hashes", 'Q', 1, CONTIGUOUS) || take(&a, args[1], "worth", 'f', 1, CONTIGUOUS) ||
        take(&a, args[2], "found", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), values = rows_of(&a, 1), d = rows_of(&a, 2);
    int shift = 0;
    while (((Py_ssize_t)1 << shift) < d) shift++;
    if (d < 1 || d != (Py_ssize_t)1 << shift || values < 1 || (values & (values - 1)))
        return refused(&a, "unit: expected a vector and a table whose lengths are powers of two."), NULL;
    const uint64_t *hashes = a.views[0].buf;
    const float *worth = a.views[1].buf;
    double *found = a.views[2].buf, size = 0.0;
    for (Py_ssize_t j = 0; j < d; j++) found[j] = 0.0;
    for (Py_ssize_t i = 0; i < n; i++) found[hashes[i] & (uint64_t)(d - 1)] += (double)worth[(hashes[i] >> shift) & (uint64_t)(values - 1)];
    for (Py_ssize_t j = 0; j < d; j++) size += found[j] * found[j];
    size = sqrt(size);
    for (Py_ssize_t j = 0; size > 0.0 && j < d; j++) found[j] /= size;
    released(&a);
    Py_RETURN_NONE;
}

WIDE static int32_t product(const int16_t *RESTRICT one, const int16_t *RESTRICT other, Py_ssize_t d) {
    uint32_t sum = 0;
    for (Py_ssize_t j = 0; j < d; j++) sum += (uint32_t)(one[j] * other[j]);
    return (int32_t)sum;
}

PyDoc_STRVAR(most_alike_text, "most_alike(vectors, rows, sizes, found)\n--\n\n"
"Write the largest product of each vector of whole numbers with a row, over the size of that row.");

static PyObject *most_alike(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Arrays a = {.held = 0};
    if (expected(count, 4) < 0) return NULL;
    if (take(&a, args[0], "vectors", 'h', 2, CONTIGUOUS) || take(&a, args[1], "rows", 'h', 2, CONTIGUOUS) ||
        take(&a, args[2], "sizes", 'd', 1, CONTIGUOUS) || take(&a, args[3], "found", 'd', 1, CONTIGUOUS | WRITABLE))
        return NULL;
    const Py_ssize_t n = rows_of(&a, 0), d = columns_of(&a, 0), m = rows_of(&a, 1);
    if (m < 1 || columns_of(&a, 1) != d || rows_of(&a, 2) != m || rows_of(&a, 3) != n)
        return refused(&a, "most_alike: expected rows as wide as the vectors, a size for each, and a result per vector."), NULL;
    const int16_t *vectors = a.views[0].buf, *rows = a.views[1].buf;
    const double *sizes = a.views[2].buf;
    double *found = a.views[3].buf;
    for (Py_ssize_t i = 0; i < n; i++) {
        double best = (double)product(vectors + i * d, rows, d) / sizes[0];
        for (Py_ssize_t k = 1; k < m; k++) {
            const double likeness = (double)product(vectors + i * d, rows + k * d, d) / sizes[k];
            best = likeness > best ? likeness : best;
        }
        found[i] = best;
    }
    released(&a);
    Py_RETURN_NONE;
}

/* --- the module -------------------------------------------------------------------------------------------------------------------- */

#define FUNCTION(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, name##_text}
static PyMethodDef functions[] = {FUNCTION(divide), FUNCTION(grow), FUNCTION(score_trees), FUNCTION(line), FUNCTION(nearest), FUNCTION(surprise), FUNCTION(fill),
                                  FUNCTION(interpolate), FUNCTION(look_up), FUNCTION(sum_up), FUNCTION(grams), FUNCTION(hashed), FUNCTION(unit),
                                  FUNCTION(most_alike), {NULL, NULL, 0, NULL}};

static int begun(PyObject *module) { return PyModule_AddIntConstant(module, "version", VERSION); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)begun}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernel", "Inner loops in C; see camelopard.core.kernel.", 0, functions, slots,
    NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
