-- Makes DuckDB return what Athena (Trino) returns. All differences that the queries meet are here.

-- Days and hours are in UTC, whatever the machine's time zone.
SET TimeZone = 'UTC';

-- Trino divides whole numbers into whole numbers.
SET integer_division = true;

-- Exact where Athena estimates: the smallest value that is not below this part of all values.
CREATE MACRO approx_percentile(value, part) AS quantile_disc(value, part);

CREATE MACRO cardinality(list) AS len(list);

-- Both understand %Y, %m, %d and %H alike.
CREATE MACRO date_format(moment, format) AS strftime(moment, format);

CREATE MACRO sequence(first, last) AS generate_series(first, last);
