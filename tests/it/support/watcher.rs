//! A client that holds a stream of changes, and opens another at the next server when it ends.

use tokio::time::timeout;

use super::{
    followers::{Actor, PATIENCE, PAUSE, dice},
    replica::Replica,
    stream::Stream,
};

/// Keeps a replica by this outlet's stream, now and then from an earlier state, as after a crash. In the
/// end the replica must be the list.
pub(super) async fn watch(mut actor: Actor, outlet: &'static str) {
    let (mut replica, mut saved) = (Replica::default(), Replica::default());
    while !actor.has_ended() {
        match dice(4) {
            0 => saved = replica.clone(),
            1 => replica = saved.clone(),
            _ => {}
        }
        let Some(mut stream) = open(&mut actor, outlet, &replica).await else { continue };
        let pages = dice(40);
        let mut seen = 0;
        while seen < pages && !actor.has_ended() {
            // Waits no longer, to notice when writers have ended.
            let Ok(page) = timeout(PAUSE, stream.try_page()).await else { continue };
            let Some(page) = page else { break };
            actor.told(&page, &mut replica);
            seen += 1;
        }
    }
    timeout(PATIENCE, settle(&mut actor, outlet, &mut replica)).await.expect("the replica becomes the list");
}

/// Follows until the replica is the list: writes that were not acknowledged may still be in flight.
async fn settle(actor: &mut Actor, outlet: &'static str, replica: &mut Replica) {
    loop {
        let Some(mut stream) = open(actor, outlet, replica).await else { continue };
        while let Some(page) = stream.try_page().await {
            actor.told(&page, replica);
            if replica.is(&actor.list().await) {
                return;
            }
        }
    }
}

async fn open(actor: &mut Actor, outlet: &str, replica: &Replica) -> Option<Stream> {
    let stream = Stream::dial(outlet, actor.server(), &actor.token, replica.cursor.as_deref()).await;
    if stream.is_none() {
        actor.move_on().await;
    }
    stream
}
