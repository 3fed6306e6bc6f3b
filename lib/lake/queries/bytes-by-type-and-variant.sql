-- How many bytes originals of each type have, and the thumbnails of each variant that were made of them.
SELECT
  original_content_type AS original_type,
  thumbnails[place].variant AS variant,
  thumbnails[place].content_type AS thumbnail_type,
  count(*) AS images,
  sum(original_bytes) AS original_bytes,
  sum(thumbnails[place].bytes) AS thumbnail_bytes
-- By its place in the list: Athena and DuckDB do not agree on what UNNEST makes of a list of rows.
FROM (SELECT * FROM events WHERE type = 'image.ready' AND cardinality(thumbnails) > 0) AS ready
CROSS JOIN UNNEST(sequence(1, cardinality(thumbnails))) AS places (place)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
