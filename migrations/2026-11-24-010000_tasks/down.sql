DROP TABLE tasks;
DROP DOMAIN task_title, task_description, task_version;
