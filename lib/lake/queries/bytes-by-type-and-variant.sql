-- The bytes of originals of each type, and of the thumbnails of each variant made from them.
SELECT
  original_content_type AS original_type,
  thumbnails[place].variant AS variant,
  thumbnails[place].content_type AS thumbnail_type,
  count(*) AS images,
  sum(original_bytes) AS original_bytes,
  sum(thumbnails[place].bytes) AS thumbnail_bytes
-- UNNEST of a list of rows differs between Athena and DuckDB, so this unnests the places in the list.
FROM (SELECT * FROM events WHERE type = 'image.ready' AND cardinality(thumbnails) > 0) AS ready
CROSS JOIN UNNEST(sequence(1, cardinality(thumbnails))) AS places (place)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
