DROP TABLE feed_era;
DROP TABLE deleted_tasks;
