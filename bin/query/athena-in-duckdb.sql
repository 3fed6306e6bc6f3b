-- What DuckDB must be told so that it answers a query as Athena (Trino) does. All that the two disagree on is here.

-- Days and hours are those of UTC, whatever clock the machine shows.
SET TimeZone = 'UTC';

-- Of two whole numbers, Trino's quotient is a whole number.
SET integer_division = true;

-- Exact, where Athena estimates: the smallest value that at least this part of all values does not exceed.
CREATE MACRO approx_percentile(value, part) AS quantile_disc(value, part);

CREATE MACRO cardinality(list) AS len(list);

-- Of the letters that a format may have, both know %Y, %m, %d and %H as the same.
CREATE MACRO date_format(moment, format) AS strftime(moment, format);

CREATE MACRO sequence(first, last) AS generate_series(first, last);
