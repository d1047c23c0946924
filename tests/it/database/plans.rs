//! How PostgreSQL executes the lists of a user with many tasks: one range scan of an index, no sorting.

use crate::{
    skip,
    support::{App, cluster::Cluster, id_of, path_of},
};

/// How many tasks the user has.
const MANY: i32 = 100_000;

#[tokio::test]
async fn every_list_and_every_page_is_one_index_scan_without_sorting() {
    let (Some(cluster), Some(app)) = (Cluster::shared(), App::on_server().await) else {
        skip!(Postgres, "whose log can be read")
    };
    let ann = app.user("ann");
    let database = fill(&app).await;
    let mut lists = 0;
    for sort in ["created", "updated", "title", "priority", "due_date"] {
        for order in ["asc", "desc"] {
            for status in ["all", "pending", "completed"] {
                let first = format!("/api/tasks?sort={sort}&order={order}&status={status}&limit=20");
                let answer = ann.get(&first).await;
                assert_eq!((answer.status.as_u16(), answer.json.as_array().unwrap().len()), (200, 20));
                let next = answer.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
                assert_eq!(ann.get(&next).await.json.as_array().unwrap().len(), 20);
                lists += 2;
            }
        }
    }
    let plans = plans(cluster, &database, "ORDER BY");
    assert_eq!(plans.len(), lists);
    for plan in plans {
        assert!(plan.contains("Index Scan"), "{plan}");
        for node in ["Sort", "Seq Scan", "Bitmap"] {
            assert!(!plan.contains(node), "{node} in {plan}");
        }
        // Tasks without a priority or a due date come last, and are not read before.
        for (key, index) in [("priority > 0", "priority"), ("due_at\" IS NOT NULL", "due")] {
            if plan.contains(key) {
                let is_by_index = [format!("tasks_by_{index}"), format!("tasks_by_status_{index}")];
                assert!(is_by_index.iter().any(|index| plan.contains(index)), "{plan}");
                assert!(plan.contains("Append") || plan.matches(key).count() == 1, "{plan}");
            }
        }
    }
}

#[tokio::test]
async fn the_change_feed_is_two_index_scans_and_two_probes_wherever_a_page_starts() {
    let (Some(cluster), Some(app)) = (Cluster::shared(), App::on_server().await) else {
        skip!(Postgres, "whose log can be read")
    };
    let ann = app.user("ann");
    let database = fill(&app).await;
    let mut pages = vec!["/api/tasks/changes?limit=20".to_owned(), "/api/tasks/changes?cursor=latest".to_owned()];
    for index in 0..3 {
        let page = ann.get(&pages[index]).await.good();
        assert_eq!(page["changes"].as_array().unwrap().len(), if index == 1 { 0 } else { 20 });
        pages.push(format!("/api/tasks/changes?limit=20&cursor={}", page["cursor"].as_str().unwrap()));
    }
    let plans = plans(cluster, &database, "FROM feed_era");
    assert_eq!(plans.len(), 3);
    for plan in plans {
        assert_eq!(plan.matches("Scan Backward").count(), 2, "{plan}");
        assert_eq!(plan.matches("Index Scan using").count(), 2, "{plan}");
        assert!(plan.contains("Merge Append") && plan.matches("Seq Scan").count() == 1, "{plan}");
        // What is sorted has been read already.
        assert!(!plan.contains("Sort  ") && !plan.contains("Bitmap"), "{plan}");
    }
}

#[tokio::test]
async fn the_trash_is_one_index_scan_without_sorting_wherever_a_page_starts() {
    let (Some(cluster), Some(app)) = (Cluster::shared(), App::on_server().await) else {
        skip!(Postgres, "whose log can be read")
    };
    let ann = app.user("ann");
    let database = fill(&app).await;
    let mut page = "/api/tasks/trash?limit=20".to_owned();
    for _ in 0..2 {
        let answer = ann.get(&page).await;
        assert_eq!(answer.json.as_array().map(Vec::len), Some(20), "{answer}");
        page = answer.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    ann.get("/api/tasks/trash?limit=20&search=Gone").await.good();
    // The user has as many tasks as one may have.
    let task = ann.get("/api/tasks?limit=1").await.good();
    ann.delete(path_of(&task[0])).await.status(204);
    let id = id_of(&ann.get("/api/tasks/trash?limit=1").await.good()[0]).to_owned();
    ann.call("POST", format!("/api/tasks/{id}/restore")).await.good();
    let pages = plans(cluster, &database, "AND (position, id) <");
    assert_eq!(pages.len(), 4, "{pages:?}");
    for plan in pages {
        assert!(plan.contains("Index Scan Backward using deleted_tasks_pkey"), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan") && !plan.contains("Bitmap"), "{plan}");
    }
    let restoration = [
        "true, statement_timestamp() FROM deleted_tasks",
        "INSERT INTO tasks (user_id, id, version",
        "DELETE FROM deleted_tasks",
    ];
    for statement in restoration {
        let plans = plans(cluster, &database, statement);
        assert!(plans.len() == 1 && plans[0].contains("deleted_tasks_by_id"), "{plans:?}");
        assert!(!plans[0].contains("Seq Scan"), "{plans:?}");
    }
}

/// The plans of those statements of a database that contain this text.
fn plans(cluster: &Cluster, database: &str, text: &str) -> Vec<String> {
    let log = cluster.log();
    let prefix = format!("[{database}] ");
    let plans = log.split("\n[").map(|entry| format!("[{entry}")).filter(|entry| entry.starts_with(&prefix));
    plans.filter(|entry| entry.contains(text)).collect()
}

/// Adds many tasks, most of them completed, and has the server log its plans; the name of the database.
async fn fill(app: &App) -> String {
    let admin = app.db.superuser().await;
    let insert = format!(
        "INSERT INTO tasks (user_id, id, title, completed, created_at, updated_at, position, priority, due_date, due_at)
         SELECT u, gen_random_uuid(), 'Task ' || md5(n::text), n % 1000 <> 0, now() - n * interval '1 s', now() - (n % 7) * interval '1 h', n % 7,
                n / 1000 % 5, CASE WHEN n / 1000 % 2 = 0 THEN date '2026-01-01' + n % 300 END,
                CASE WHEN n / 1000 % 2 = 0 THEN timestamptz '2026-01-01' + n % 300 * interval '1 day' END
         FROM generate_series(1, {MANY}) n, (VALUES ('ann'), ('bob')) AS users(u)
         WHERE u = 'ann' OR n <= 1000"
    );
    admin.batch_execute(&insert).await.unwrap();
    let buried = "INSERT INTO deleted_tasks (user_id, deleted_at, id, version, position, title, completed, created_at, updated_at,
                                             priority, tags)
                  SELECT 'ann', now() - n * interval '1 min', gen_random_uuid(), 2, n, 'Gone', false, now(), now(), 0, '{}'
                  FROM generate_series(1, 10000) n";
    admin.batch_execute(buried).await.unwrap();
    admin.batch_execute("ANALYZE tasks; ANALYZE deleted_tasks").await.unwrap();
    let database: String = admin.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    admin
        .batch_execute(&format!(
            "ALTER DATABASE {database} SET session_preload_libraries = 'auto_explain';
             ALTER DATABASE {database} SET auto_explain.log_min_duration = 0"
        ))
        .await
        .unwrap();
    database
}
